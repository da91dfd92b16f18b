import { deepFreeze } from '../../kit/json.ts';
import { toEffective, type Effective } from '../document/effective.ts';
import { defaultRemoteUrl } from '../rules/upstream-names.ts';
import { hasOwnCredential } from './credential-rules.ts';
import { registryConfigContent, type CacheDocument, type RegistryConfigDocument } from './schema.ts';

/**
 * The configuration that programs work with: complete, valid, frozen, and free of secrets. Its fields follow from the schema
 * (see {@link Effective}) and are documented in `docs/reference/configuration.md`.
 */
export type RegistryConfig = Effective<ReturnType<typeof withComputedDefaults>>;
/**
 * One upstream and how it is cached. Each upstream has one entry. `remoteURL` is as written, a valid origin with or without a slash at its
 * end. `volume.size` is as Kubernetes prints it. `credentials` are in order of precedence.
 */
export type CacheConfig = RegistryConfig['caches'][number];
/** A Secret or a cloud login for the repositories that one of the patterns matches. */
export type CredentialConfig = CacheConfig['credentials'][number];

/** Turns a document without problems into the effective configuration. */
export function effectiveConfig(document: RegistryConfigDocument): RegistryConfig {
  return deepFreeze(toEffective(registryConfigContent, withComputedDefaults(document)));
}

function withComputedDefaults({ caches, registryConfigReplication }: RegistryConfigDocument) {
  return { caches: caches.map(completeCache), registryConfigReplication };
}

/** Fills in the defaults that depend on other fields. */
function completeCache(cache: CacheDocument) {
  return {
    ...cache,
    remoteURL: cache.remoteURL ?? defaultRemoteUrl(cache.upstream),
    authentication: {
      ...cache.authentication,
      mode: cache.authentication.mode ?? (hasOwnCredential(cache) ? 'Shared' : 'Caller'),
    },
  };
}
