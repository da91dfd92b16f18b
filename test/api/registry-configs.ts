import * as fc from 'fast-check';
import {
  API_VERSION,
  AUTHENTICATION_MODES,
  CLOUD_PROVIDERS,
  KIND,
} from '../../src/api/registry-config/schema.ts';

const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,8}[a-z0-9])?$/);
const host = fc.array(name, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const hostPort = fc.oneof(
  host,
  fc.tuple(host, fc.integer({ min: 1, max: 65_535 })).map((parts) => parts.join(':')),
);
const url = fc
  .tuple(fc.constantFrom('http://', 'https://', 'HTTPS://'), hostPort, fc.constantFrom('', '/', '?', '#'))
  .map((parts) => parts.join(''));
const span = fc
  .tuple(fc.nat(10_000), fc.constantFrom('ns', 'us', 'ms', 's', 'm', 'h'))
  .map((parts) => parts.join(''));
const size = fc.oneof(
  fc.integer({ min: 1, max: 10_000 }),
  fc
    .tuple(fc.integer({ min: 1, max: 9999 }), fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Gi', 'Ti', 'e3'))
    .map((parts) => parts.join('')),
);
const provider = fc.constantFrom(...CLOUD_PROVIDERS);

/** A map with any of the fields. */
const some = <T>(fields: { [Name in keyof T]: fc.Arbitrary<T[Name]> }) =>
  fc.record(fields, { requiredKeys: [] });

const repositories = fc.uniqueArray(name, { minLength: 1, maxLength: 2 });
const credential = fc.oneof(
  fc.record({ repositories, secretReferenceName: name }),
  fc.record({ repositories, provider }),
);

const mode = fc.constantFrom(...AUTHENTICATION_MODES);
const authentication = fc.oneof(
  some({ mode, realm: fc.constant('Upstream'), proofLifetime: span }),
  fc.record(
    { mode, realm: fc.constant('Cache'), proofLifetime: span, outageGrace: span },
    { requiredKeys: ['realm'] },
  ),
);

const cache = fc
  .record(
    {
      upstream: hostPort,
      remoteURL: url,
      authentication,
      freshness: some({ tagTTL: span, staleIfError: span }),
      garbageCollection: some({ ttl: span, maxSize: size }),
      volume: some({ size, storageClassName: host }),
      secretReferenceName: name,
      credentials: fc.array(credential, { maxLength: 2 }),
      provider,
      caBundleSecretReferenceName: name,
      proxy: some({ httpProxy: url, httpsProxy: url }),
      http: some({ tls: fc.boolean() }),
      highAvailability: some({ enabled: fc.boolean() }),
      serviceNameSuffix: name,
      preload: fc.uniqueArray(name, { maxLength: 2 }),
    },
    { requiredKeys: ['upstream'] },
  )
  .map(({ provider: login, ...rest }) =>
    login === undefined || rest.secretReferenceName !== undefined ? rest : { ...rest, provider: login },
  )
  .map((entry) =>
    entry.authentication?.mode === 'Caller' && hasCredential(entry)
      ? { ...entry, authentication: { ...entry.authentication, mode: 'Shared' } }
      : entry,
  );

function hasCredential(entry: { secretReferenceName?: string; credentials?: unknown[] }): boolean {
  return 'secretReferenceName' in entry || 'provider' in entry || (entry.credentials ?? []).length > 0;
}

/** Valid `RegistryConfig` documents. Together they have every field of the schema. */
export const validRegistryConfig = fc.record(
  {
    apiVersion: fc.constant(API_VERSION),
    kind: fc.constant(KIND),
    caches: fc
      .uniqueArray(cache, { minLength: 1, maxLength: 3, selector: ({ upstream }) => upstream })
      .map((caches) => caches.map(withOwnSuffix)),
    registryConfigReplication: some({ enabled: fc.boolean() }),
  },
  { requiredKeys: ['apiVersion', 'caches'] },
);

/** A suffix that begins with a digit is the name of no other Service: no upstream here begins with one. */
function withOwnSuffix<Entry extends { serviceNameSuffix?: string }>(entry: Entry, index: number): Entry {
  return entry.serviceNameSuffix === undefined
    ? entry
    : { ...entry, serviceNameSuffix: `${index}${entry.serviceNameSuffix}` };
}
