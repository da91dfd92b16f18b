import { setTimeout as pause } from 'node:timers/promises';
import type { FaultEffects, Origin, RequestFilter, Upstream } from '../../kit/index.ts';
import type { Random } from './random.ts';

/** Longest time of a trouble, and the pause after it. */
const TROUBLE_MS = 600;
const REST_MS = 400;

/** One trouble after the other at one upstream, until `signal` aborts; then all is well again. Gives how many there were. */
export async function makeTrouble(upstream: Upstream, random: Random, signal: AbortSignal): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    const end = await begin(upstream, random);
    count += 1;
    await rest(random.int(TROUBLE_MS), signal);
    await end();
    await rest(random.int(REST_MS), signal);
  }
  return count;
}

/** Begins a trouble and returns the function that ends it. Only one at a time: two wrong bodies could agree and pass for right. */
async function begin(upstream: Upstream, random: Random): Promise<() => Promise<void> | void> {
  const kind = random.weighted({ answers: 12, refuses: 2, hangUp: 1, revoked: 1 });
  switch (kind) {
    case 'answers': {
      const fault = upstream.faults.add({ match: matchOf(random), ...effectsOf(random) });
      return () => fault.remove();
    }
    case 'refuses': {
      const origins: (Origin | undefined)[] = [upstream, upstream.cdn, upstream.tokenServer];
      const origin = random.pick(origins.filter((one) => one !== undefined));
      await origin.refuse();
      return () => origin.accept();
    }
    case 'hangUp':
      upstream.hangUp();
      return () => {};
    case 'revoked':
      upstream.tokens.revoke(random.pick([undefined, 'alice', 'service']));
      return () => {};
  }
}

function matchOf(random: Random): RequestFilter {
  const kinds = [['manifest'], ['blob', 'cdn'], ['token'], ['tags', 'referrers'], ['ping']] as const;
  const kind = random.chance(0.2) ? undefined : random.pick(kinds);
  const method = random.chance(0.7) ? undefined : random.pick(['GET', 'HEAD'] as const);
  // Some of the requests, so that others of the same client go well.
  const isHit = random.chance(0.5) ? () => true : () => random.chance(0.5);
  return { ...(kind && { kind }), ...(method && { method }), where: isHit };
}

function effectsOf(random: Random): FaultEffects & { readonly match?: RequestFilter } {
  const at = random.pick([0, 1, 100, 65_000, 65_600, 300_000, 600_000]);
  const choices: readonly (FaultEffects & { readonly match?: RequestFilter })[] = [
    { drop: random.pick(['fin', 'rst'] as const) },
    { status: random.pick([400, 401, 403, 404, 405, 418, 500, 502, 503]) },
    { status: 429, retryAfter: random.pick([0, 1, 'soon']), body: random.pick(['json', 'plain'] as const) },
    { cutAfter: at, cutBy: random.pick(['fin', 'rst'] as const) },
    { flipByteAt: at },
    { contentLength: random.pick([0, 10, 70_000, 10_000_000]), match: { method: 'GET' } },
    { chunked: true },
    { digestHeader: random.pick(['omit', { value: 'nonsense' }, { value: `sha256:${'0'.repeat(64)}` }]) },
    { range: random.pick(['ignore', 'refuse', 'mislabel', 'shift'] as const) },
    { hold: true },
    { pauseAfter: at },
    { delayMs: random.int(200) },
    { bytesPerSecond: 200_000 },
    { headers: random.pick(ODD_HEADERS) },
    // Other content in its place would look like what the upstream has.
    {
      match: { kind: ['token', 'tags', 'referrers', 'ping'] },
      body: { text: random.pick(['', '{"token":', '{}', '[]', '{"token":"\\u20ac"}', '\0']) },
    },
  ];
  return random.pick(choices);
}

const ODD_HEADERS: readonly NonNullable<FaultEffects['headers']>[] = [
  { 'content-type': null },
  { 'content-type': 'application/\xe9\xff; charset=\xfc' },
  { 'www-authenticate': ['Bearer realm="\xe9"', 'Basic', ',,,="', 'Negotiate \xff'] },
  { 'www-authenticate': 'Bearer realm="http://10.0.0.1/token",service="elsewhere"' },
  { link: '<http://elsewhere.example/v2/x/tags/list?n=\xe9>; rel="next"', 'oci-filters-applied': '\xe9' },
  { location: 'http://[::', 'content-range': 'bytes 5-1/*' },
  { 'content-encoding': 'gzip', 'retry-after': '-1', 'ratelimit-remaining': '9'.repeat(400) },
  { connection: 'close' },
];

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => {});
}
