import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { MIRROR_API_VERSION, MIRROR_KIND } from '../../src/api/mirror-config/schema.ts';
import { parseMirrorConfig } from '../../src/api/mirror-config/parse.ts';
import type { ParseOptions, ParseResult } from '../../src/api/document/parse-document.ts';
import { API_VERSION, KIND } from '../../src/api/registry-config/schema.ts';
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';
import { refusal } from '../cluster/api-requests.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import {
  causesOf,
  objectsPath,
  startCustomResources,
  toldBy,
  type CustomResources,
} from './custom-resources.ts';

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  /** The recorded cases of the Gardener extension, in `test/golden/`. */
  readonly cases: string;
  readonly parse: (input: unknown, options: ParseOptions) => ParseResult<unknown>;
  /** How many cases are accepted by both, and refused by both word for word. */
  readonly accepted: number;
  readonly refused: number;
  /** Refused by both, the API server in other words or for less. */
  readonly otherWords: readonly string[];
  /** Accepted by the API server: what is wrong is found afterwards and becomes a condition. */
  readonly later: readonly string[];
}

/** CEL does not know why a URL cannot be parsed, and of one without a scheme not even that. */
const UNPARSABLE_URLS = ['url-31', 'url-44', 'url-46', 'url-50', 'url-51', 'url-54', 'url-55'];

/** The numbers are those of docs/decisions/0010-crds-from-the-schema.md. */
const KINDS: readonly Kind[] = [
  {
    apiVersion: API_VERSION,
    kind: KIND,
    cases: 'registry-config/admission.yaml',
    parse: parseRegistryConfig,
    accepted: 24,
    refused: 46,
    otherWords: [
      ...UNPARSABLE_URLS,
      // An unknown field or a wrong type is told in the API server's words and ends the search for more.
      'decode-case-Upstream',
      'decode-entry-string',
      'decode-ha-string',
      'decode-metadata',
      'decode-ttl-number',
      'decode-unknown-field',
      'decode-unknown-fields',
      // So does an upstream that stands twice, or a text that is too long.
      'cache-many-errors',
    ],
    later: ['cache-ttl-09'],
  },
  {
    apiVersion: MIRROR_API_VERSION,
    kind: MIRROR_KIND,
    cases: 'mirror-config/admission.yaml',
    parse: parseMirrorConfig,
    accepted: 17,
    refused: 28,
    otherWords: [
      ...UNPARSABLE_URLS,
      'mdecode-capabilities-string',
      'mdecode-mirrors-map',
      'mdecode-unknown-field',
      // Told of the place in the list, not of the list.
      'mirror-capability-unknown',
      // Told of the entry, not of its upstream.
      'mirror-cache-duplicate',
      // Told as a required value that is missing.
      'mirror-host-missing',
      'mirror-many-errors',
    ],
    later: [],
  },
];

describe('what the Gardener extension decides, by CEL', requireParts(GROUPS.api), () => {
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
          assert.notDeepEqual(causesOf(refused), toldBy(expected.problems), 'no longer an exception');
          counts.otherWords += 1;
        } else if (expected.ok) {
          assert.equal(refused, undefined, refused?.message);
          // The defaults that the API server has filled in by now mean what leaving them out means.
          assert.deepEqual(read((answer as { spec: object }).spec), expected);
          counts.accepted += 1;
        } else {
          assert.ok(refused !== undefined, 'accepted');
          assert.deepEqual(causesOf(refused), toldBy(expected.problems));
          counts.refused += 1;
        }
      });
    }

    test(`${kind.kind}: as many cases of each sort as the decision record says`, () => {
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

interface RecordedCase {
  readonly name: string;
  readonly caches?: unknown;
  readonly mirrors?: unknown;
  readonly document?: unknown;
}

/** The recorded cases that can be sent as an object of the kind: those of a map that does not say it is of another one. */
function casesOf({ apiVersion, kind, cases }: Kind): { name: string; spec: object }[] {
  const text = readFileSync(new URL(`../golden/${cases}`, import.meta.url), 'utf8');
  return (parse(text) as RecordedCase[]).flatMap(({ name, caches, mirrors, document }) => {
    const lists = caches === undefined ? { mirrors } : { caches };
    const whole = document ?? { apiVersion, kind, ...lists };
    if (typeof whole !== 'object' || Array.isArray(whole)) return [];
    const {
      apiVersion: version = apiVersion,
      kind: named = kind,
      ...spec
    } = whole as Record<string, unknown>;
    return version === apiVersion && named === kind ? [{ name, spec }] : [];
  });
}
