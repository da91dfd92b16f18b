import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { KeyPair } from '../../kube/certificates/key-pair.ts';
import { planRotation } from '../../kube/certificates/rotation.ts';
import type { KeySource } from '../../kube/controller/key-source.ts';
import type { Reconcile } from '../../kube/controller/reconcile.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/kube-error.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { additionalLabelsAnnotation, additionalLabelsPatch } from '../cluster/additional-labels.ts';
import { hasOurLabel, MANAGED_BY } from '../cluster/marks.ts';
import { SECRETS, type Secret } from '../cluster/resources.ts';
import { NotOwnedError } from '../ownership/not-owned-error.ts';
import { authorityOf, readPairs, type Authority } from './authority-state.ts';
import { nextPairs, validityOfPair } from './rotate-pairs.ts';

/** Secret in the operator's namespace. If it is deleted, a new authority and all certificates are issued at once. */
export const AUTHORITY_SECRET = 'larder-ca';
const ENTRY = 'authorities.json';

/** Longest time between two checks, because timers of months are unreliable. */
const CHECK_EVERY_MS = 3600_000;

export interface AuthorityKeeper {
  /** Undefined until it was read or created. */
  current(): Authority | undefined;
  /** Reason why the authority cannot be kept, as a sentence. Undefined if there is no problem. */
  problem(): string | undefined;
  /** Creates, rotates and retires authorities. The key is ignored, because there is one Secret. */
  readonly reconcile: Reconcile;
  /** Emits `keys` when the authority or the problem changes. */
  changes(keys: () => Iterable<string>): KeySource;
}

export interface AuthoritySettings {
  readonly namespace: string;
  /** Additional labels of the Secret. */
  readonly objectLabels?: Readonly<Record<string, string>>;
  /** An authority that was made before gets a successor. Milliseconds since the epoch. */
  readonly authorityNotBefore?: number | undefined;
}

/**
 * Keeps the authority that signs the certificates of all caches in a Secret, and rotates it with overlap (`kube/certificates`). A Secret of
 * that name without our label has another owner. It is left alone, and the authority in force stays in force while this process lives.
 */
export function createAuthorityKeeper(
  {
    client,
    clock,
  }: { readonly client: Pick<KubeClient, 'get' | 'create' | 'replace' | 'patch'>; readonly clock: Clock },
  { namespace, objectLabels = {}, authorityNotBefore }: AuthoritySettings,
): AuthorityKeeper {
  const key = { namespace, name: AUTHORITY_SECRET };
  const listeners = new Set<() => void>();
  let current: Authority | undefined;
  let problem: string | undefined;

  return {
    current: () => current,
    problem: () => problem,

    async reconcile(_key, { signal, logger }) {
      try {
        return await keep(signal, logger);
      } catch (error) {
        signal.throwIfAborted();
        setState(current, `cannot maintain the certificate authority of the caches: ${errorText(error)}`);
        throw error;
      }
    },

    changes: (keys) => ({
      onChange(handler) {
        listeners.add(() => {
          for (const one of keys()) handler(one);
        });
      },
      whenSynced: () => Promise.resolve(),
    }),
  };

  async function keep(signal: AbortSignal, logger: Logger): ReturnType<Reconcile> {
    const found = await find(client, SECRETS, key, signal);
    const secret = found && isOurs(found) ? await labelled(found, signal) : found;
    if (secret !== undefined && !isOurs(secret)) {
      const notOwned = new NotOwnedError(secret);
      setState(current, errorText(notOwned));
      return { terminalError: notOwned };
    }
    const known = secret === undefined ? [] : pairsOf(secret);
    if (known === undefined)
      logger.error('the certificate authorities in the Secret are malformed, creating a new one', key);
    const now = clock.now();
    const next = await nextPairs(known ?? [], now, authorityNotBefore);
    if (next !== known && !(await write(secret, next, signal))) return { requeueAfterMs: 1000 };
    const plan = planRotation(next.map(validityOfPair), now);
    setState(authorityOf(next, plan), undefined);
    return { requeueAfterMs: Math.min(Math.max(plan.nextAt - now, 1000), CHECK_EVERY_MS) };
  }

  function setState(authority: Authority | undefined, newProblem: string | undefined): void {
    const isChange =
      authority?.id !== current?.id || authority?.bundle !== current?.bundle || newProblem !== problem;
    current = authority;
    problem = newProblem;
    if (isChange) for (const listener of listeners) listener();
  }

  /** Puts the additional labels of this process on a Secret that was made with others. */
  async function labelled(secret: Secret, signal: AbortSignal): Promise<Secret> {
    const operations = additionalLabelsPatch(secret, objectLabels, MANAGED_BY);
    return operations.length === 0 ? secret : await client.patch(SECRETS, key, operations, { signal });
  }

  /** Returns false if another process wrote the Secret meanwhile. An authority that may have signed already is never overwritten. */
  async function write(
    secret: Secret | undefined,
    pairs: readonly KeyPair[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const data = { [ENTRY]: Buffer.from(JSON.stringify(pairs)).toString('base64') };
    const object: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: secret?.metadata ?? {
        ...key,
        labels: { ...objectLabels, ...MANAGED_BY },
        annotations: additionalLabelsAnnotation(objectLabels),
      },
      type: 'Opaque',
      data,
    };
    try {
      await (secret === undefined
        ? client.create(SECRETS, object, { signal })
        : client.replace(SECRETS, object, { signal }));
      return true;
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return false;
      throw error;
    }
  }
}

function isOurs({ metadata }: Secret): boolean {
  return hasOurLabel(metadata.labels ?? {});
}

function pairsOf({ data }: Secret): KeyPair[] | undefined {
  const text = data?.[ENTRY];
  return text === undefined ? undefined : readPairs(Buffer.from(text, 'base64').toString('utf8'));
}
