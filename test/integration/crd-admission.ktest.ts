import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MIRROR_API_VERSION, MIRROR_KIND } from '../../src/api/mirror-config/schema.ts';
import { parseMirrorConfig } from '../../src/api/mirror-config/parse.ts';
import type { ParseOptions, ParseResult } from '../../src/api/document/parse-document.ts';
import { API_VERSION, KIND } from '../../src/api/registry-config/schema.ts';
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';
import { refusal } from '../cluster/api-requests.ts';
import { recordedDocuments } from '../gardener/recorded-admission.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import {
  causesOf,
  objectsPath,
  startCustomResources,
  problemTexts,
  type CustomResources,
} from './custom-resources.ts';

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  /** The extension type whose recorded cases are sent. */
  readonly type: 'registry-cache' | 'registry-mirror';
  readonly parse: (input: unknown, options: ParseOptions) => ParseResult<unknown>;
  /** Number of cases that both accept. {@link Kind.refused} counts those that both refuse with the same words. */
  readonly accepted: number;
  readonly refused: number;
  /** Cases that both refuse, but the API server in other words or with fewer problems. */
  readonly otherWords: readonly string[];
  /** Cases that the API server accepts. The operator finds the problem afterwards and reports it in a condition. */
  readonly later: readonly string[];
}

/** Cases with a URL that cannot be parsed. CEL does not know the reason, and does not detect a URL without a scheme. */
const UNPARSABLE_URLS = ['url-31', 'url-44', 'url-46', 'url-50', 'url-51', 'url-54', 'url-55'];

/** Cases about what a Shoot caches beside its mirrors. */
const ABOUT_CACHES = new Set(['mirror-cache-invalid', 'mirror-cache-undecodable']);

/** Kinds with the numbers of docs/decisions/0010-crds-from-the-schema.md. */
const KINDS: readonly Kind[] = [
  {
    apiVersion: API_VERSION,
    kind: KIND,
    type: 'registry-cache',
    parse: parseRegistryConfig,
    accepted: 24,
    refused: 46,
    otherWords: [
      ...UNPARSABLE_URLS,
      // The API server reports an unknown field or a wrong type in its own words, and then no other problem.
      'decode-case-Upstream',
      'decode-entry-string',
      'decode-ha-string',
      'decode-metadata',
      'decode-ttl-number',
      'decode-unknown-field',
      'decode-unknown-fields',
      // The same holds for a duplicate upstream, or a text that is too long.
      'cache-many-errors',
    ],
    later: ['cache-ttl-09'],
  },
  {
    apiVersion: MIRROR_API_VERSION,
    kind: MIRROR_KIND,
    type: 'registry-mirror',
    parse: parseMirrorConfig,
    accepted: 17,
    refused: 28,
    otherWords: [
      ...UNPARSABLE_URLS,
      'mdecode-capabilities-string',
      'mdecode-mirrors-map',
      'mdecode-unknown-field',
      // The API server names the index in the list, not the list.
      'mirror-capability-unknown',
      // The API server names the entry, not its upstream.
      'mirror-cache-duplicate',
      // The API server reports a missing required value.
      'mirror-host-missing',
      'mirror-many-errors',
    ],
    later: [],
  },
];

describe('the CRDs decide recorded cases of the Gardener extension by CEL', requireParts(GROUPS.api), () => {
  let api: CustomResources;
  before(async () => {
    api = await startCustomResources();
  });
  after(() => api[Symbol.asyncDispose]());

  for (const kind of KINDS) {
    const counts = { accepted: 0, refused: 0, otherWords: 0, later: 0 };

    for (const { name, spec } of casesOf(kind)) {
      test(`${kind.kind}: ${name}`, async () => {
        const read = (value: object) =>
          kind.parse({ apiVersion: kind.apiVersion, ...value }, { pathPrefix: 'spec' });
        const path = `${objectsPath(kind.apiVersion, kind.kind)}?dryRun=All&fieldValidation=Strict`;
        const { apiVersion, kind: kindName } = kind;
        const object = { apiVersion, kind: kindName, metadata: { name: 'one' }, spec };
        const answer = await api.request('POST', path, object);
        const [expected, refused] = [read(spec), refusal(answer)];

        if (kind.later.includes(name)) {
          assert.deepEqual([expected.ok, refused], [false, undefined]);
          counts.later += 1;
        } else if (kind.otherWords.includes(name)) {
          assert.ok(!expected.ok && refused !== undefined);
          assert.notDeepEqual(causesOf(refused), problemTexts(expected.problems), 'no longer an exception');
          counts.otherWords += 1;
        } else if (expected.ok) {
          assert.equal(refused, undefined, refused?.message);
          // The API server has filled in defaults, which must mean the same as missing fields.
          assert.deepEqual(read((answer as { spec: object }).spec), expected);
          counts.accepted += 1;
        } else {
          assert.ok(refused !== undefined, 'accepted');
          assert.deepEqual(causesOf(refused), problemTexts(expected.problems));
          counts.refused += 1;
        }
      });
    }

    test(`${kind.kind}: the number of cases of each sort is that of the decision record`, () => {
      const { accepted, refused, otherWords, later } = kind;
      assert.deepEqual(counts, {
        accepted,
        refused,
        otherWords: otherWords.length,
        later: later.length,
      });
    });
  }
});

/** Selects the recorded cases that can be sent as an object of the kind: maps that do not name another kind. */
function casesOf({ apiVersion, kind, type }: Kind): { name: string; spec: object }[] {
  return recordedDocuments(type).flatMap(({ name, document }) => {
    if (ABOUT_CACHES.has(name) || typeof document !== 'object' || Array.isArray(document)) return [];
    const {
      apiVersion: version = apiVersion,
      kind: named = kind,
      ...spec
    } = document as Record<string, unknown>;
    return version === apiVersion && named === kind ? [{ name, spec }] : [];
  });
}
