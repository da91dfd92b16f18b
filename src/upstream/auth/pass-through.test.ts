import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isLarderError } from '../../kit/errors.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import { createAddressGuard } from '../http/address-guard.ts';
import type { UpstreamExchange } from '../http/exchange.ts';
import { createPassThrough, type PassedAnswer } from './pass-through.ts';
import { createChallengeMemory } from './registry-challenges.ts';

const ORIGIN = new URL('https://registry.example');
const MANIFEST = new URL('/v2/team/app/manifests/v1', ORIGIN);

/** The answers of a registry to a request with a header, and to one without. */
interface Registry {
  readonly status: number;
  readonly withHeader: readonly string[];
  readonly without: readonly string[];
}

interface Caller {
  readonly authorization: string | undefined;
  readonly knownGood: boolean;
}

function answered(status: number, challenges: readonly string[]): UpstreamExchange {
  return { status, headers: {}, challenges, contentLength: 0, body: Readable.from([]) };
}

/** Sends a request; undefined if the address guard refuses the realm of the registry. */
async function ask(registry: Registry, caller: Caller): Promise<PassedAnswer | undefined> {
  const passThrough = createPassThrough(ORIGIN, createChallengeMemory(), createAddressGuard(ORIGIN));
  try {
    return await passThrough({
      ...caller,
      url: MANIFEST,
      repository: parseRepositoryName('team/app'),
      transmit: async (authorization) =>
        authorization === undefined
          ? answered(401, registry.without)
          : answered(registry.status, registry.withHeader),
    });
  } catch (error) {
    assert.ok(isLarderError(error, 'UPSTREAM_FORBIDDEN_ADDRESS'), String(error));
    return undefined;
  }
}

interface Shown {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const NAME = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/.source;
const PARAMETER = new RegExp(`(${NAME})="((?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\["\\\\])*)"`);
const LINE = new RegExp(`^(${NAME})(?: ${PARAMETER.source}(?:,${PARAMETER.source})*)?$`);

/** Reads what any client reads, and nothing else: one challenge a line, each value quoted, no name twice. */
function parseStrictly(line: string): Shown {
  const scheme = LINE.exec(line)?.[1];
  assert.ok(scheme !== undefined, `no client reads ${JSON.stringify(line)}`);
  const found = [...line.slice(scheme.length).matchAll(new RegExp(PARAMETER, 'g'))];
  const parameters = new Map(
    found.map(([, name = '', value = '']) => [name, value.replaceAll(/\\(.)/g, '$1')]),
  );
  assert.equal(parameters.size, found.length, line);
  return { scheme, parameters };
}

const INSIDE = ['169.254.169.254', '10.0.0.1', '127.0.0.1', 'localhost', '[::1]'];
const realm = fc.constantFrom(
  'https://auth.example/token',
  'https://auth.example/token?a="b\\"',
  '//auth.example/token',
  '/token',
  '',
  'http://auth.example/token',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'https://[',
  ...INSIDE.map((host) => `https://${host}/token`),
);
const scrap = fc.oneof(
  fc.constantFrom('Bearer ', 'bearer ', 'Basic ', 'Negotiate', 'realm=', 'scope=', 'error=', 'error=""'),
  fc.constantFrom(
    '"',
    '\\',
    ',',
    ', ',
    ' ',
    '\t',
    '=',
    'x==',
    'service="s"',
    'é',
    'error="insufficient_scope"',
  ),
  realm,
);
const whole = fc
  .tuple(
    fc.constantFrom('Bearer', 'BEARER', 'Basic'),
    realm,
    fc.constantFrom('"', ''),
    fc.constantFrom('', ',error=x', ',error=""', ',error=é'),
  )
  .map(([scheme, value, quote, rest]) => `${scheme} realm=${quote}${value}${quote},service=s${rest}`);
/** Any text of a header line (RFC 9110, section 5.5). */
const anything = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]*$/);
const line = fc.oneof(
  whole,
  fc.array(scrap, { maxLength: 8 }).map((parts) => parts.join('')),
  anything,
);
const lines = fc.array(line, { maxLength: 3 });
const registries = fc.record({ status: fc.constantFrom(400, 401), withHeader: lines, without: lines });
const callers = fc.record({
  authorization: fc.constantFrom('Bearer token', 'Basic YTpi', undefined),
  knownGood: fc.boolean(),
});

test('whatever challenges a registry sends, callers are shown ones that every client reads, and no realm of an address inside', async () => {
  let seen = 0;
  await fc.assert(
    fc.asyncProperty(registries, callers, async (registry, caller) => {
      const answer = await ask(registry, caller);
      if (answer === undefined) return;
      const shown = answer.challenges.map(parseStrictly);
      const bearers = shown.filter(({ scheme }) => scheme === 'Bearer');
      for (const { parameters } of bearers) {
        const { protocol, hostname } = new URL(parameters.get('realm') ?? '');
        assert.equal(protocol, 'https:');
        assert.ok(!INSIDE.includes(hostname), hostname);
        if (caller.authorization !== undefined) assert.notEqual(parameters.get('error') ?? '', '');
        seen += 1;
      }
      assert.deepEqual(shown.slice(0, bearers.length), bearers);
      assert.ok(answer.answer.status === 401 || shown.length === 0);
    }),
    { numRuns: 2000 },
  );
  assert.ok(seen > 100, `only ${seen} Bearer challenges`);
});

test('a refused token never gets Basic where anonymous requests get Bearer', async () => {
  const usual = 'Bearer realm="https://auth.example/token"';
  await fc.assert(
    fc.asyncProperty(registries, fc.boolean(), async (registry, knownGood) => {
      const without = [...registry.without, usual];
      const answer = await ask({ ...registry, without }, { authorization: 'Bearer token', knownGood });
      if (answer === undefined) return;
      assert.equal(answer.answer.status, 401);
      assert.equal(parseStrictly(answer.challenges[0] ?? '').scheme, 'Bearer');
    }),
  );
});
