import { z } from 'zod';
import {
  boolean,
  bytes,
  duration,
  entryMap,
  listOf,
  maybe,
  quantity,
  strictMap,
  string,
  text,
} from '../document/schema-fields.ts';

export const API_VERSION = 'registry.extensions.gardener.cloud/v1alpha3';
export const KIND = 'RegistryConfig';

/** Whose credential is used at the upstream. */
export const AUTHENTICATION_MODES = ['Caller', 'Shared'] as const;
/** Who is the token endpoint for a caller. */
export const AUTHENTICATION_REALMS = ['Upstream', 'Cache'] as const;
/** Clouds whose registries Larder can log in to with its own identity. */
export const CLOUD_PROVIDERS = ['ecr', 'gcp', 'acr'] as const;

const provider = maybe(z.enum(CLOUD_PROVIDERS).optional()).meta({
  description:
    'Cloud login by the identity that Larder runs with, instead of a Secret: `ecr` (Amazon Elastic Container Registry), ' +
    '`gcp` (Google Artifact Registry) or `acr` (Azure Container Registry).',
});

const authentication = strictMap({
  mode: maybe(z.enum(AUTHENTICATION_MODES).optional()).meta({
    description:
      '`Caller`: the upstream is asked with the credential of the caller, and content is served only to callers whom it has let in. ' +
      '`Shared`: it is asked with the configured credential, and whoever reaches the cache reads what that credential reads. The ' +
      'default is `Shared` when `secretReferenceName`, `credentials` or `provider` is set, else `Caller`.',
  }),
  realm: maybe(z.enum(AUTHENTICATION_REALMS).prefault('Upstream')).meta({
    description:
      "Where callers log in, in mode `Caller`. `Upstream`: the upstream's challenge is relayed, and the cache sees tokens only; of an " +
      'upstream with Basic the password. `Cache`: Larder is the token endpoint and sees the login, so that clients can name the ' +
      'cache, outages are bridged and nodes need no egress.',
  }),
  proofLifetime: duration('5m').meta({
    description:
      "How long one answer of the upstream proves a caller's access to a repository, or that it is public. A 401 or 403 ends it at " +
      'once. `0s`: each request is asked for.',
  }),
  outageGrace: duration('0s').meta({
    description:
      'For how long after the last proof a caller is served what is stored while the upstream or its token server is down; a ' +
      'login revoked meanwhile, too. Only with realm `Cache`.',
  }),
});

const freshness = strictMap({
  tagTTL: duration('30s').meta({
    description: 'A tag validated less than this ago is served without asking the upstream.',
  }),
  staleIfError: duration('24h').meta({
    description:
      'How old a tag may be when the upstream fails by network error, 5xx or 429. An answer of 401, 403 or 404 is always ' +
      'relayed.',
  }),
});

const garbageCollection = strictMap({
  ttl: duration('0s').meta({
    description:
      'Content that has not been used for this long is removed. `0s` turns that off, and so does leaving it out while ' +
      '`garbageCollection` is there.',
  }),
  maxSize: maybe(bytes().optional()).meta({
    description:
      "Budget in bytes for this upstream's content, running downloads included. When it is full, the least valuable content " +
      'goes first. Without it only the limit of the whole store holds, 90 % of its file system.',
  }),
});

const volume = strictMap({
  size: maybe(quantity().prefault('10Gi')).meta({
    description: 'Size of the volume of this cache. It can grow.',
  }),
  storageClassName: maybe(string().optional()).meta({
    description: "StorageClass of the volume; the cluster's default when left out.",
  }),
});

const proxy = strictMap({
  httpProxy: maybe(string().optional()).meta({
    description: 'Proxy for upstream connections by http.',
  }),
  httpsProxy: maybe(string().optional()).meta({
    description: 'Proxy for upstream connections by https.',
  }),
});

const http = strictMap({
  tls: maybe(boolean().prefault(false)).meta({
    description: 'Whether the cache serves https. Off when `http` is there without it.',
  }),
});

const highAvailability = strictMap({
  enabled: maybe(boolean().prefault(false)).meta({
    description:
      'Two replicas in the Gardener extension. Here a cache has one, and while that moves to another node, nodes pull from the upstream.',
  }),
});

const credential = entryMap({
  repositories: listOf(text()).meta({
    description:
      'Patterns of repositories that this credential is for. `*` stands for any characters but a slash, `**` for any characters.',
  }),
  secretReferenceName: maybe(string().optional()).meta({
    description: 'Secret with the credential, as in `caches[].secretReferenceName`.',
  }),
  provider,
}).meta({ description: 'A credential for some repositories: a Secret or a cloud login.' });

const cache = entryMap({
  upstream: text().meta({
    description: 'Registry host, with port if it is not the default one, as image references name it.',
  }),
  remoteURL: maybe(string().optional()).meta({
    description:
      'Where the upstream is reached. The default is `https://<upstream>`, and `https://registry-1.docker.io` for `docker.io`.',
  }),
  authentication: maybe(authentication.prefault({})).meta({
    description: 'Whose credentials are used, and how callers prove their access.',
  }),
  freshness: maybe(freshness.prefault({})).meta({
    description: 'How old the answer for a tag may be. Content that is asked for by digest never ages.',
  }),
  garbageCollection: maybe(garbageCollection.prefault({ ttl: '168h' })).meta({
    description: 'What is removed from the cache, and when.',
  }),
  volume: maybe(volume.prefault({})).meta({ description: 'The volume of this cache in a cluster.' }),
  secretReferenceName: maybe(string().optional()).meta({
    description:
      'Secret with the credential for the upstream: `username` and `password`, or `.dockerconfigjson`. In a cluster it is ' +
      'in the namespace of the object, in a Shoot an entry of `spec.resources`, for `larder serve` a directory below `--secrets`.',
  }),
  credentials: listOf(credential).meta({
    description:
      'Several credentials for one upstream. The first whose pattern matches the repository is used; without a match ' +
      '`secretReferenceName` is, else none.',
  }),
  provider,
  caBundleSecretReferenceName: maybe(string().optional()).meta({
    description:
      "Secret whose `bundle.crt` holds the CA certificates that the upstream's certificate is checked against. The default is " +
      "the system's CAs.",
  }),
  proxy: maybe(proxy.prefault({})).meta({ description: 'Proxies between the cache and the upstream.' }),
  http: maybe(http.prefault({ tls: true })).meta({ description: 'How the cache is served in a cluster.' }),
  highAvailability: maybe(highAvailability.prefault({})).meta({
    description: 'How the cache survives the loss of a node.',
  }),
  serviceNameSuffix: maybe(string().optional()).meta({
    description:
      'Makes the name of the Service `registry-<suffix>` instead of one computed from the upstream. At most 54 characters.',
  }),
  preload: listOf(text()).meta({
    description: 'Image references of this upstream that are kept warm, such as `library/alpine:3.22`.',
  }),
}).meta({ description: 'The cache of one upstream registry.' });

/**
 * The one schema of a `RegistryConfig`: fields, types, defaults and descriptions. Its input is the document, its output the
 * document with defaults, durations and quantities read. What a schema cannot say is in `registry-config-rules.ts`, which is
 * why enumerations are here and the forms of hosts and URLs are there.
 */
export const registryConfigSchema = strictMap({
  apiVersion: maybe(string().optional()).meta({
    description: 'Always `registry.extensions.gardener.cloud/v1alpha3`.',
  }),
  kind: maybe(string().optional()).meta({ description: 'Always `RegistryConfig`; may be left out.' }),
  caches: listOf(cache).meta({ description: 'One entry for each upstream registry, at least one.' }),
  registryConfigReplication: maybe(
    strictMap({
      enabled: maybe(boolean().prefault(false)).meta({
        description:
          'Gardener only: the shoot is configured by `RegistryConfig` objects in the shoot. `caches` may then be empty.',
      }),
    }).prefault({}),
  ).meta({ description: 'Configuration from inside the shoot.' }),
}).meta({ description: 'Which upstream registries are cached, and how.' });

/** The fields of a document without its type. */
export const registryConfigContent = registryConfigSchema.omit({ apiVersion: true, kind: true });

/** A document with defaults, durations and quantities read, before any rule was applied. */
export type RegistryConfigDocument = z.output<typeof registryConfigSchema>;
export type CacheDocument = RegistryConfigDocument['caches'][number];
export type AuthenticationMode = (typeof AUTHENTICATION_MODES)[number];
export type AuthenticationRealm = (typeof AUTHENTICATION_REALMS)[number];
export type CloudProvider = (typeof CLOUD_PROVIDERS)[number];
