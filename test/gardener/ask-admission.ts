import { API_VERSION, KIND } from '../../src/api/registry-config/schema.ts';
import { MIRROR_API_VERSION, MIRROR_KIND } from '../../src/api/mirror-config/schema.ts';
import { cacheValidator } from '../../src/gardener/admission/cache-validator.ts';
import { mirrorValidator } from '../../src/gardener/admission/mirror-validator.ts';
import type { ReferencedSecret } from '../../src/gardener/admission/secret-checks.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { baseShoot } from './recorded-admission.ts';

/** Parts of a Shoot that a test sets. */
export interface ShootDraft {
  /** Entries of the `RegistryConfig`, or a whole one, or any other `providerConfig`. */
  readonly caches?: unknown;
  readonly registryConfig?: unknown;
  /** The same for the `MirrorConfig`. */
  readonly mirrors?: unknown;
  readonly mirrorConfig?: unknown;
  /** Name of a Secret for each entry of `spec.resources`. */
  readonly resources?: Readonly<Record<string, string>>;
  readonly kubernetes?: string;
}

export interface AskOptions {
  readonly old?: ShootDraft;
  /** An error is thrown instead of the Secret. A Secret that is not here does not exist. */
  readonly secrets?: Readonly<Record<string, ReferencedSecret | Error>>;
  /** Changes the JSON text of the review, for what an object cannot hold. */
  readonly rewrite?: (review: string) => string;
  readonly signal?: AbortSignal;
}

/** Asks a validator about a Shoot. Gives `allowed` or the message, and the Secrets that were read. */
export async function askAdmission(
  validator: 'cache' | 'mirror',
  shoot: ShootDraft,
  { old, secrets = {}, rewrite = (review) => review, signal = new AbortController().signal }: AskOptions = {},
): Promise<{ answer: string; reads: string[] }> {
  const reads: string[] = [];
  const readSecret = (namespace: string, name: string): Promise<ReferencedSecret> => {
    reads.push(`${namespace}/${name}`);
    const secret = secrets[name] ?? new KubeError('no', { httpStatus: 404, reason: 'NotFound' });
    return secret instanceof Error ? Promise.reject(secret) : Promise.resolve(secret);
  };
  const handler = (validator === 'cache' ? cacheValidator : mirrorValidator)({ readSecret });
  const request = {
    uid: 'f0d1c2b3-0000-4000-8000-000000000002',
    kind: { group: 'core.gardener.cloud', version: 'v1beta1', kind: 'Shoot' },
    namespace: 'garden-p',
    name: 's',
    operation: old === undefined ? 'CREATE' : 'UPDATE',
    object: shootOf(shoot),
    oldObject: old === undefined ? null : shootOf(old),
  };
  const text = rewrite(JSON.stringify({ request }));
  const review = JSON.parse(text) as { request: typeof request };
  const answer = await handler({ ...review.request, text }, signal);
  return { answer: answer.allowed ? 'allowed' : answer.message, reads };
}

/** A Secret with these entries, which are plain text. */
export function secretWith(entries: Record<string, string>, more: ReferencedSecret = {}): ReferencedSecret {
  const encoded = Object.entries(entries).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return {
    type: 'Opaque',
    immutable: true,
    data: Object.fromEntries(encoded) as Record<string, string>,
    ...more,
  };
}

/** A `RegistryConfig` with these fields. */
export function registryConfigWith(fields: object): object {
  return { apiVersion: API_VERSION, kind: KIND, ...fields };
}

function shootOf(draft: ShootDraft): object {
  const { caches, mirrors, resources = {}, kubernetes = '1.34.4' } = draft;
  const registryConfig = caches === undefined ? draft.registryConfig : registryConfigWith({ caches });
  const mirrorConfig =
    mirrors === undefined
      ? draft.mirrorConfig
      : { apiVersion: MIRROR_API_VERSION, kind: MIRROR_KIND, mirrors };
  const extensions = [
    { type: 'registry-cache', providerConfig: registryConfig },
    { type: 'registry-mirror', providerConfig: mirrorConfig },
  ].filter(({ providerConfig }) => providerConfig !== undefined);
  const base = baseShoot();
  return {
    ...base,
    spec: {
      ...base.spec,
      kubernetes: { version: kubernetes },
      extensions,
      resources: Object.entries(resources).map(([name, secret]) => ({
        name,
        resourceRef: { apiVersion: 'v1', kind: 'Secret', name: secret },
      })),
    },
  };
}
