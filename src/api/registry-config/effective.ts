import { durationToMs } from '../../kit/duration.ts';
import { quantityToBytes } from '../../kit/quantity.ts';
import { deepFreeze } from '../../kit/json.ts';
import { hasOwnCredential } from './rules.ts';
import type {
  AuthenticationMode,
  AuthenticationRealm,
  CacheDocument,
  CloudProvider,
  RegistryConfigDocument,
} from './schema.ts';
import { defaultRemoteUrl } from '../rules/upstream-names.ts';

/** The configuration that programs work with: complete, valid, frozen, and free of secrets. */
export interface RegistryConfig {
  readonly caches: readonly CacheConfig[];
  readonly registryConfigReplication: { readonly enabled: boolean };
}

/** One upstream and how it is cached. The fields are documented in `docs/reference/configuration.md`. */
export interface CacheConfig {
  /** `host` or `host:port`; unique. */
  readonly upstream: string;
  /** As written, a valid origin with or without a slash at its end. */
  readonly remoteURL: string;
  readonly authentication: {
    readonly mode: AuthenticationMode;
    readonly realm: AuthenticationRealm;
    readonly proofLifetimeMs: number;
    readonly outageGraceMs: number;
  };
  readonly freshness: { readonly tagTtlMs: number; readonly staleIfErrorMs: number };
  readonly garbageCollection: {
    /** 0: nothing is removed for its age. */
    readonly ttlMs: number;
    /** Undefined: only the limit of the whole store holds. */
    readonly maxSizeBytes: number | undefined;
  };
  readonly volume: {
    /** As Kubernetes spells it. */
    readonly size: string;
    readonly storageClassName: string | undefined;
  };
  readonly secretReferenceName: string | undefined;
  /** In order of precedence. */
  readonly credentials: readonly CredentialConfig[];
  readonly provider: CloudProvider | undefined;
  readonly caBundleSecretReferenceName: string | undefined;
  readonly proxy: { readonly httpProxy: string | undefined; readonly httpsProxy: string | undefined };
  readonly http: { readonly tls: boolean };
  readonly highAvailability: { readonly enabled: boolean };
  readonly serviceNameSuffix: string | undefined;
  readonly preload: readonly string[];
}

/** A credential for the repositories that one of the patterns matches: a Secret or a cloud login. */
export interface CredentialConfig {
  readonly repositories: readonly string[];
  readonly secretReferenceName: string | undefined;
  readonly provider: CloudProvider | undefined;
}

/** Turns a document that no rule objects to into the effective configuration, computed defaults included. */
export function effectiveConfig(document: RegistryConfigDocument): RegistryConfig {
  return deepFreeze({
    caches: document.caches.map(effectiveCache),
    registryConfigReplication: { enabled: document.registryConfigReplication.enabled },
  });
}

function effectiveCache(cache: CacheDocument): CacheConfig {
  const { authentication, freshness, garbageCollection } = cache;
  return {
    upstream: cache.upstream,
    remoteURL: cache.remoteURL ?? defaultRemoteUrl(cache.upstream),
    authentication: {
      mode: authentication.mode ?? (hasOwnCredential(cache) ? 'Shared' : 'Caller'),
      realm: authentication.realm,
      proofLifetimeMs: durationToMs(authentication.proofLifetime),
      outageGraceMs: durationToMs(authentication.outageGrace),
    },
    freshness: {
      tagTtlMs: durationToMs(freshness.tagTTL),
      staleIfErrorMs: durationToMs(freshness.staleIfError),
    },
    garbageCollection: {
      ttlMs: durationToMs(garbageCollection.ttl),
      maxSizeBytes: garbageCollection.maxSize && quantityToBytes(garbageCollection.maxSize),
    },
    volume: { size: cache.volume.size.text, storageClassName: cache.volume.storageClassName },
    secretReferenceName: cache.secretReferenceName,
    credentials: cache.credentials.map((credential) => ({
      repositories: credential.repositories,
      secretReferenceName: credential.secretReferenceName,
      provider: credential.provider,
    })),
    provider: cache.provider,
    caBundleSecretReferenceName: cache.caBundleSecretReferenceName,
    proxy: { httpProxy: cache.proxy.httpProxy, httpsProxy: cache.proxy.httpsProxy },
    http: { tls: cache.http.tls },
    highAvailability: { enabled: cache.highAvailability.enabled },
    serviceNameSuffix: cache.serviceNameSuffix,
    preload: cache.preload,
  };
}
