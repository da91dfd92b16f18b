import { z } from 'zod';
import { ADDED } from '../document/added-fields.ts';
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

/** The owner of the credential that is presented to the upstream. */
export const AUTHENTICATION_MODES = ['Caller', 'Shared'] as const;
/** The token endpoint that callers use. */
const AUTHENTICATION_REALMS = ['Upstream', 'Cache'] as const;
/** Clouds whose registries accept a login with the identity that Larder runs with. */
export const CLOUD_PROVIDERS = ['ecr', 'gcp', 'acr'] as const;

const provider = maybe(z.enum(CLOUD_PROVIDERS).optional()).meta({
  ...ADDED,
  description:
    'Cloud login with the identity that Larder runs with, instead of a Secret: `ecr` (Amazon Elastic Container Registry), ' +
    '`gcp` (Google Artifact Registry) or `acr` (Azure Container Registry).',
});

const authentication = strictMap({
  mode: maybe(z.enum(AUTHENTICATION_MODES).optional()).meta({
    description:
      "`Caller`: Larder asks the upstream with the caller's credential and serves content only to callers whom the upstream has " +
      'authorized. `Shared`: Larder uses the configured credential, and every caller can read what that credential can read. ' +
      'Default: `Shared` when `secretReferenceName`, `credentials` or `provider` is set, else `Caller`.',
  }),
  realm: maybe(z.enum(AUTHENTICATION_REALMS).prefault('Upstream')).meta({
    description:
      "Where callers log in, in mode `Caller`. `Upstream`: Larder relays the upstream's challenge and sees only tokens, or the " +
      'password if the upstream uses Basic. `Cache`: Larder is the token endpoint and sees the login, so that clients can name the ' +
      'cache, outages are bridged and nodes need no egress.',
  }),
  proofLifetime: duration('5m').meta({
    description:
      "How long one answer of the upstream proves a caller's access to a repository, or that the repository is public. A 401 or 403 " +
      'ends the proof at once. `0s`: every request asks the upstream.',
  }),
  outageGrace: duration('0s').meta({
    description:
      'How long after the last proof a caller gets stored content while the upstream or its token server is down. Applies to logins ' +
      'revoked in the meantime as well. Only with realm `Cache`.',
  }),
});

const freshness = strictMap({
  tagTTL: duration('30s').meta({
    description: 'How long a validated tag is served without asking the upstream.',
  }),
  staleIfError: duration('24h').meta({
    description:
      'Maximum age of a tag that is served when the upstream fails with a network error, 5xx or 429. 401, 403 and 404 are always ' +
      'relayed.',
  }),
});

const garbageCollection = strictMap({
  ttl: duration('0s').meta({
    description:
      'Content that has not been used for this long is removed. `0s` turns this off, and so does `garbageCollection` without ' +
      'this field.',
  }),
  maxSize: maybe(bytes().optional()).meta({
    ...ADDED,
    description:
      "Size limit for this upstream's content, running downloads included. The least valuable content is removed first. " +
      'Default: no limit but that of the whole store, 90 % of its file system.',
  }),
});

const volume = strictMap({
  size: maybe(quantity().prefault('10Gi')).meta({
    description: 'Size of the volume. It can grow but not shrink.',
  }),
  storageClassName: maybe(string().optional()).meta({
    description: "StorageClass of the volume. Default: the cluster's default.",
  }),
});

const proxy = strictMap({
  httpProxy: maybe(string().optional()).meta({
    description: 'Proxy for http connections to the upstream.',
  }),
  httpsProxy: maybe(string().optional()).meta({
    description: 'Proxy for https connections to the upstream.',
  }),
});

const http = strictMap({
  tls: maybe(boolean().prefault(false)).meta({
    description: 'Serve https. Off when `http` is present without this field.',
  }),
});

const highAvailability = strictMap({
  enabled: maybe(boolean().prefault(false)).meta({
    description:
      'Means two replicas in the Gardener extension and has no effect here. A cache has one replica; while it moves to another ' +
      'node, nodes pull from the upstream.',
  }),
});

const credential = entryMap({
  repositories: listOf(text()).meta({
    description:
      'Patterns of the repositories that use this credential. `*` matches any characters except a slash, `**` any characters.',
  }),
  secretReferenceName: maybe(string().optional()).meta({
    description: 'Secret with the credential, as for `caches[].secretReferenceName`.',
  }),
  provider,
}).meta({ description: 'Credential for some repositories: a Secret or a cloud login.' });

const cache = entryMap({
  upstream: text().meta({
    description: 'Registry host as in image references, with the port if it is not the default one.',
  }),
  remoteURL: maybe(string().optional()).meta({
    description:
      'URL of the upstream. Default: `https://<upstream>`, and `https://registry-1.docker.io` for `docker.io`.',
  }),
  authentication: maybe(authentication.prefault({})).meta({
    ...ADDED,
    description: 'How Larder logs in to the upstream, and how callers prove their access.',
  }),
  freshness: maybe(freshness.prefault({})).meta({
    ...ADDED,
    description: 'How old the answer for a tag may be. Content requested by digest never ages.',
  }),
  garbageCollection: maybe(garbageCollection.prefault({ ttl: '168h' })).meta({
    description: 'When content is removed from the cache.',
  }),
  volume: maybe(volume.prefault({})).meta({ description: 'Volume of the cache in a cluster.' }),
  secretReferenceName: maybe(string().optional()).meta({
    description:
      'Secret with the credential for the upstream: `username` and `password`, or `.dockerconfigjson`. In a cluster a Secret in ' +
      "the object's namespace, in a Shoot an entry of `spec.resources`, for `larder serve` a directory in `--secrets`.",
  }),
  credentials: listOf(credential).meta({
    ...ADDED,
    description:
      'Several credentials for one upstream. The first one with a pattern that matches the repository is used, without a match ' +
      '`secretReferenceName`, else none.',
  }),
  provider,
  caBundleSecretReferenceName: maybe(string().optional()).meta({
    ...ADDED,
    description:
      "Secret with the CA certificates for the upstream in `bundle.crt`. Default: the system's CAs.",
  }),
  proxy: maybe(proxy.prefault({})).meta({ description: 'Proxies between the cache and the upstream.' }),
  http: maybe(http.prefault({ tls: true })).meta({ description: 'How the cache serves in a cluster.' }),
  highAvailability: maybe(highAvailability.prefault({})).meta({
    description: 'Behaviour when a node is lost.',
  }),
  serviceNameSuffix: maybe(string().optional()).meta({
    description:
      'Names the Service `registry-<suffix>` instead of a name computed from the upstream. At most 54 characters.',
  }),
  preload: listOf(text()).meta({
    ...ADDED,
    description: 'Image references of this upstream to keep warm, such as `library/alpine:3.22`.',
  }),
}).meta({ description: 'Cache of one upstream registry.' });

/**
 * The one schema of a `RegistryConfig`: fields, types, defaults and descriptions. Types, CRD, reference page and printing
 * follow from it. Its input is the document, its output the document with its defaults and with durations and quantities
 * parsed. `rules.ts` has the rules that a schema cannot express, such as the forms of hosts and URLs.
 */
export const registryConfigSchema = strictMap({
  apiVersion: maybe(string().optional()).meta({
    description: 'Always `registry.extensions.gardener.cloud/v1alpha3`.',
  }),
  kind: maybe(string().optional()).meta({ description: 'Always `RegistryConfig`. May be left out.' }),
  caches: listOf(cache).meta({ description: 'Caches, one for each upstream registry. At least one.' }),
  registryConfigReplication: maybe(
    strictMap({
      enabled: maybe(boolean().prefault(false)).meta({
        description:
          'Gardener only: `RegistryConfig` objects in the shoot configure the caches. `caches` may then be empty.',
      }),
    }).prefault({}),
  ).meta({ ...ADDED, description: 'Configuration from inside the shoot.' }),
}).meta({ description: 'Which upstream registries are cached, and how.' });

/** The fields of a document without its type. */
export const registryConfigContent = registryConfigSchema.omit({ apiVersion: true, kind: true });

/** A document with its defaults and with durations and quantities parsed, before any rule was applied. */
export type RegistryConfigDocument = z.output<typeof registryConfigSchema>;
export type CacheDocument = RegistryConfigDocument['caches'][number];
export type AuthenticationMode = (typeof AUTHENTICATION_MODES)[number];
export type AuthenticationRealm = (typeof AUTHENTICATION_REALMS)[number];
export type CloudProvider = (typeof CLOUD_PROVIDERS)[number];
