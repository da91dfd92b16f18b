import { sleep, type Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient, KubeObject, OwnerReference, Resource } from '../../kube/types.ts';
import { serverText } from '../server-text.ts';
import type { TrustedBundle } from './ca-bundle.ts';
import type { Registration } from './registration.ts';

/** As in the Go library (gardener v1.147.1, `extensions/pkg/webhook/cmd/options.go`). */
const LIMIT_MS = 5000;
const PAUSE_MS = 1000;

const NAMESPACES: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

export interface RegisterDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly registration: Registration;
}

export interface RegisterOptions {
  /** Namespace with which the configurations disappear. Empty: they have no owner. */
  readonly ownerNamespace: string;
  readonly bundle: TrustedBundle | undefined;
  /** Called when an attempt has ended. */
  readonly onAttempt?: () => void;
}

/**
 * Registers the webhooks with their owner: tries every second, for 5 s. Throws the last error in the words of the Go library, after which
 * the program has to end. Returns the owner; undefined if there is none, or `signal` aborts before.
 */
export async function registerWebhooks(
  { client, clock, registration }: RegisterDeps,
  { ownerNamespace, bundle, onAttempt = () => {} }: RegisterOptions,
  signal: AbortSignal,
): Promise<OwnerReference | undefined> {
  const deadline = new AbortController();
  const cancel = clock.after(LIMIT_MS, () => deadline.abort(new Error('context deadline exceeded')));
  const either = AbortSignal.any([signal, deadline.signal]);
  let last: unknown;
  try {
    for (;;) {
      try {
        const owner = await ownerReference(client, ownerNamespace, either);
        await registration.reconcile({ owner, bundle }, either);
        return owner;
      } catch (error) {
        if (!either.aborted) last = error;
      } finally {
        onAttempt();
      }
      await sleep(clock, PAUSE_MS, either).catch(() => {});
      if (signal.aborted) return undefined;
      if (deadline.signal.aborted) throw timeout(last ?? deadline.signal.reason);
    }
  } finally {
    cancel();
  }
}

async function ownerReference(
  client: Pick<KubeClient, 'get'>,
  name: string,
  signal: AbortSignal,
): Promise<OwnerReference | undefined> {
  if (name === '') return undefined;
  const namespace: KubeObject | undefined = await find(client, NAMESPACES, { name }, signal);
  if (namespace === undefined) throw new NamespaceMissingError(name);
  const uid = namespace.metadata.uid ?? '';
  return { apiVersion: 'v1', kind: 'Namespace', name, uid, controller: true, blockOwnerDeletion: false };
}

class NamespaceMissingError extends LarderError {
  constructor(name: string) {
    super('KUBE_API', `Namespace ${JSON.stringify(name)} not found`);
  }
}

/** Refusals of the configuration have the words twice, as in the Go library. */
function timeout(last: unknown): LarderError {
  const words = 'error reconciling seed webhook config: ';
  const reason = `${last instanceof NamespaceMissingError ? '' : words}${serverText(last)}`;
  const message = `retry failed with context deadline exceeded, last error: ${words}${reason}`;
  return new LarderError('KUBE_API', message, { cause: last });
}
