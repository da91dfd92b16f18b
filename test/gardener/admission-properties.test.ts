import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import fc from 'fast-check';
import { validRegistryConfig } from '../api/registry-configs.ts';
import { measureMachine } from '../kit/index.ts';
import { askAdmission, secretWith } from './ask-admission.ts';

interface Cache {
  readonly upstream: string;
  readonly provider?: string | undefined;
  readonly credentials?: readonly { readonly provider?: string }[];
  readonly caBundleSecretReferenceName?: string;
}

/** Documents that admission accepts: no cloud logins, and computed names that differ. */
const admissible = validRegistryConfig
  .map((document) => ({ ...document, caches: (document.caches as Cache[]).map(admissibleCache) }))
  .filter(({ caches }) => {
    const names = caches.map(({ upstream }) => upstream.replaceAll(/[.:]/g, '-'));
    return new Set(names).size === names.length;
  });

const login = secretWith({ username: 'u', password: 'p' });
const bundle = secretWith({ 'bundle.crt': rootCertificates[0] ?? '' });

describe('a document that admission accepts', () => {
  test('is accepted without a request for a Secret when it comes again as old and new', async () => {
    let requests = 0;
    await fc.assert(
      fc.asyncProperty(admissible, async (registryConfig) => {
        const { resources, secrets } = referencesOf(registryConfig);
        const shoot = { registryConfig, resources };
        const first = await askAdmission('cache', shoot, { secrets });
        assert.equal(first.answer, 'allowed');
        requests += first.reads.length;
        const again = await askAdmission('cache', shoot, { old: shoot, secrets: {} });
        assert.deepEqual(again, { answer: 'allowed', reads: [] });
      }),
    );
    assert.ok(requests > 50, `${requests} Secrets were read at all`);
  });
});

describe('any document', () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  /** Junk at the places of the fields. */
  const nearly = fc.record({
    apiVersion: fc.constantFrom('registry.extensions.gardener.cloud/v1alpha3', 7, null),
    caches: fc.oneof(
      json,
      fc.array(
        fc.dictionary(
          fc.constantFrom('upstream', 'remoteURL', 'volume', 'credentials', 'proxy', '__proto__', 'x'),
          json,
        ),
      ),
    ),
  });

  test('gets an answer, which is a message if it is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(json, nearly, admissible), fc.oneof(json, nearly), async (config, old) => {
        for (const validator of ['cache', 'mirror'] as const) {
          for (const shoot of [{ registryConfig: config }, { mirrorConfig: config, registryConfig: old }]) {
            const { answer } = await askAdmission(validator, shoot, { old: { registryConfig: old } });
            assert.match(answer, /./);
          }
        }
      }),
    );
  });

  test('of the largest size gets it within the time of a webhook, 10 s', async () => {
    const machine = await measureMachine();
    const [long, many] = ['a'.repeat(1_400_000), 15_000];
    const entries = <T>(entry: (index: number) => T): T[] =>
      Array.from({ length: many }, (_, index) => entry(index));
    const documents = [
      entries(() => ({ upstream: 'A' })),
      entries((index) => ({ upstream: `${index}.io`, secretReferenceName: 'nope' })),
      [long, `${long}!`, `${'a.'.repeat(700_000)}!`, `${'-'.repeat(700_000)}a`].map((upstream) => ({
        upstream,
      })),
      [{ upstream: 'a.io', remoteURL: `https://${long}` }],
      [{ upstream: 'a.io', remoteURL: `https://${'%'.repeat(1_000_000)}` }],
      [{ upstream: 'a.io', garbageCollection: { ttl: '1h'.repeat(700_000) } }],
      [{ upstream: 'a.io', volume: { size: '1'.repeat(1_400_000) } }],
      [Object.fromEntries(entries((index) => [`field${index}`, index]))],
      entries((index) => ({ [`field${index}`]: index })),
    ];
    for (const [index, caches] of documents.entries()) {
      const start = performance.now();
      await askAdmission('cache', { caches }, { old: { caches: [] } });
      const ms = performance.now() - start;
      assert.ok(ms < machine.limit(3000), `document ${index} took ${Math.round(ms)} ms`);
    }
  });
});

test('the order of caches changes nothing but the index in the problems', async () => {
  const size = fc.constantFrom('1Gi', '0', '-1');
  const upstream = fc.constantFrom('a.io', 'B.io', 'c.io:0', 'd.io', 'e.io:5000', '');
  const cache = fc.record(
    {
      upstream,
      remoteURL: fc.constantFrom('https://a.io', 'x', 'https://a.io/x?y'),
      volume: fc.record({ size }),
      serviceNameSuffix: fc.constantFrom('x', 'y', 'a-io', 'X'),
      secretReferenceName: fc.constantFrom('nope', 'other'),
      preload: fc.array(fc.constantFrom('x', '')),
    },
    { requiredKeys: ['upstream'] },
  );
  const permuted = fc
    .array(cache, { minLength: 1, maxLength: 5 })
    .chain((caches) =>
      fc.tuple(fc.constant(caches), fc.shuffledSubarray(caches, { minLength: caches.length })),
    );
  const problemsOf = async (caches: object[]) => {
    const { answer } = await askAdmission('cache', { caches });
    const problems = answer.replace(/^\[(.*)\]$/s, '$1').split(/, (?=spec\.extensions)/);
    return problems.map((problem) => problem.replace(/caches\[\d+\]/, 'caches[]')).sort();
  };
  await fc.assert(
    fc.asyncProperty(permuted, async ([caches, others]) => {
      assert.deepEqual(await problemsOf(others), await problemsOf(caches));
    }),
  );
});

/** The entry without cloud logins. Its CA bundle has a name that no login has. */
function admissibleCache(cache: Cache): Cache {
  const { credentials, caBundleSecretReferenceName: name } = cache;
  return {
    ...cache,
    provider: undefined,
    ...(name !== undefined && { caBundleSecretReferenceName: `CA-${name}` }),
    ...(credentials && { credentials: credentials.filter((one) => one.provider === undefined) }),
  };
}

/** Entries of `spec.resources` for all references of a document, and their Secrets. */
function referencesOf(document: object) {
  const matches = JSON.stringify(document).matchAll(/ecretReferenceName":"([^"]+)"/g);
  const names = [...new Set([...matches].map(([, name = '']) => name))];
  return {
    resources: Object.fromEntries(names.map((name) => [name, `${name}-v1`])),
    secrets: Object.fromEntries(names.map((name) => [`${name}-v1`, name.startsWith('CA-') ? bundle : login])),
  };
}
