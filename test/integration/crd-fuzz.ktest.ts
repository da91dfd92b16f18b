import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { UNUSABLE_HOST } from '../../src/api/rules/host-and-url.ts';
import { MIRROR_API_VERSION, MIRROR_KIND } from '../../src/api/mirror-config/schema.ts';
import { parseMirrorConfig } from '../../src/api/mirror-config/parse.ts';
import { API_VERSION, KIND } from '../../src/api/registry-config/schema.ts';
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';
import { RULE_MESSAGES } from '../../src/api/rules/rule-messages.ts';
import { refusal } from '../cluster/api-requests.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import {
  causesOf,
  objectsPath,
  startCustomResources,
  problemTexts,
  type CustomResources,
} from './custom-resources.ts';

/** Arbitrary of the words of a text, and of `more`. */
const word = (text: string, ...more: readonly string[]) => fc.constantFrom(...text.split(' '), ...more);

/** Arbitrary of pieces that have a meaning in a host or URL, and of some that are wrong there. */
const piece = word('a b1 - . : / // ? # @ %41 %zz %2F %2e .. A 5000 :0 [::1]', ' ');
const host = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
const url = fc
  .tuple(fc.constantFrom('https://', 'HTTP://', 'http:', 'ftp://', 'https://a.io'), host)
  .map(([scheme, rest]) => scheme + rest);
const duration = word('0 -0s 5 - 1h-1m 7d 1..2s .5s 1.s .s +2h -1h 1\u00b5s 1h30m abc 1h2', '', '3 s');
const quantity = fc.oneof(
  word('10Gi 0 -1 5GB foo 1.5Ti 1e3 .5Gi 010Gi 1n --1 1ki', ''),
  fc.constantFrom(20, 0, -1),
);
const secret = fc.constantFrom('creds', '', '.', '..', 'a/b', 'A_b');
const pattern = fc.constantFrom('a/*', '**', '', 'a b', 'https://x', 'library/alpine:3.22');
const optional = { requiredKeys: ['upstream'] as ['upstream'] };
const provider = fc.constantFrom('ecr', 'gcp', 'acr');

const cache = fc.record(
  {
    upstream: fc.oneof(fc.constantFrom('a.io', 'b.io:5000'), host),
    remoteURL: url,
    authentication: fc.record(
      {
        mode: fc.constantFrom('Caller', 'Shared'),
        realm: fc.constantFrom('Upstream', 'Cache'),
        proofLifetime: duration,
        outageGrace: duration,
      },
      { requiredKeys: [] },
    ),
    freshness: fc.record({ tagTTL: duration, staleIfError: duration }, { requiredKeys: [] }),
    garbageCollection: fc.record({ ttl: duration, maxSize: quantity }, { requiredKeys: [] }),
    volume: fc.record(
      { size: quantity, storageClassName: fc.constantFrom('fast', 'A', '', 'a.b') },
      { requiredKeys: [] },
    ),
    secretReferenceName: secret,
    credentials: fc.array(
      fc.record(
        {
          repositories: fc.uniqueArray(pattern, { maxLength: 2 }),
          secretReferenceName: secret,
          provider,
        },
        { requiredKeys: [] },
      ),
      { maxLength: 2 },
    ),
    provider,
    caBundleSecretReferenceName: secret,
    serviceNameSuffix: fc.constantFrom('static', 'a-b', 'a.b', 'A', '', '-'),
    preload: fc.uniqueArray(pattern, { maxLength: 2 }),
  },
  optional,
);

const mirror = fc.record({
  upstream: host,
  hosts: fc.uniqueArray(
    fc.record({ host: url, caBundleSecretReferenceName: secret }, { requiredKeys: ['host'] }),
    { maxLength: 2, selector: ({ host: name }) => name },
  ),
});

describe(
  'mixtures of good and bad values are decided by CEL as by the parser',
  requireParts(GROUPS.api),
  () => {
    let api: CustomResources;
    before(async () => {
      api = await startCustomResources();
    });
    after(() => api[Symbol.asyncDispose]());

    const decide = async (apiVersion: string, kind: string, spec: object): Promise<string[]> => {
      const object = { apiVersion, kind, metadata: { name: 'one' }, spec };
      const refused = refusal(
        await api.request('POST', `${objectsPath(apiVersion, kind)}?dryRun=All`, object),
      );
      return refused === undefined ? [] : causesOf(refused);
    };

    test('of a RegistryConfig', async () => {
      await fc.assert(
        fc.asyncProperty(cache, async (value) => {
          const spec = { caches: [value] };
          const result = parseRegistryConfig({ apiVersion: API_VERSION, ...spec }, { pathPrefix: 'spec' });
          const byCel = await decide(API_VERSION, KIND, spec);
          assert.deepEqual(comparable(byCel), comparable(result.ok ? [] : problemTexts(result.problems)));
        }),
        { numRuns: 500 },
      );
    });

    test('of a MirrorConfig', async () => {
      await fc.assert(
        fc.asyncProperty(mirror, async (value) => {
          const spec = { mirrors: [value] };
          const result = parseMirrorConfig(
            { apiVersion: MIRROR_API_VERSION, ...spec },
            { pathPrefix: 'spec' },
          );
          const byCel = await decide(MIRROR_API_VERSION, MIRROR_KIND, spec);
          assert.deepEqual(comparable(byCel), comparable(result.ok ? [] : problemTexts(result.problems)));
        }),
        { numRuns: 500, examples: [[{ upstream: '', hosts: [{ host: 'http:/%2F.' }] }]] },
      );
    });
  },
);

/**
 * Removes the details that CEL cannot express: the reason why a URL cannot be parsed, and that a URL without a scheme cannot; the port
 * of a URL that continues after it; that a host is unusable.
 */
function comparable(messages: readonly string[]): string[] {
  const texts = messages
    .filter((text) => !text.endsWith(UNUSABLE_HOST))
    .map((text) => text.replace(/(failed to parse url|url must start with).*/, RULE_MESSAGES.urlUnparsable))
    .map((text) => text.replace(/port '.*' is not valid/, 'port is not valid'));
  return [...new Set(texts)].sort();
}
