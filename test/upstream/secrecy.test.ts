import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText, isLarderError } from '../../src/kit/errors.ts';
import { imageOf, startUpstream } from '../kit/index.ts';
import { clientOf } from './client.ts';

/** All readable text of a failure: messages and hints of the error and its causes. */
function everything(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const details = isLarderError(error) ? [error.hint, JSON.stringify(error.detail)] : [];
  return [errorText(error), ...details, everything(error.cause ?? '')].join('\n');
}

test('passwords, tokens and signatures are in no log line, metric or error', async () => {
  const image = imageOf({ layers: [5000] });
  await using upstream = await startUpstream({
    auth: 'bearer',
    users: { 'user-hush1': 'password-hush2' },
    redirect: {},
  });
  upstream.push('app', image, 'v1');
  const seen: string[] = [];
  await using client = clientOf(upstream, { login: 'user-hush1:password-hush2' });
  const blob = `/v2/app/blobs/${image.blobs[0]?.digest}`;
  await client.ask('/v2/app/manifests/v1');
  await client.ask(blob);
  for (const fault of [
    { match: { kind: 'cdn' }, drop: 'rst' },
    { match: { kind: 'cdn' }, cutAfter: 100 },
    { match: { kind: 'cdn' }, status: 403 },
    { match: { kind: 'cdn' }, status: 500 },
    { match: { kind: 'cdn' }, status: 307, headers: { location: 'http://169.254.169.254/?X-Sig=hush3' } },
    { match: { kind: 'blob' }, status: 307, headers: { location: 'http://user:hush4@[x/?X-Sig=hush3' } },
    { match: { kind: 'blob' }, status: 307, headers: { location: `${upstream.url}/loop?X-Sig=hush3` } },
    { match: { kind: 'blob' }, status: 401 },
    { match: { kind: 'blob' }, status: 429 },
  ] as const) {
    using _ = upstream.faults.add(fault);
    await client.ask(blob).catch((error: unknown) => seen.push(everything(error)));
    client.clock.advance(60_000);
  }
  client.clock.advance(600_000);
  for (const fault of [
    { status: 401 },
    { status: 500 },
    { body: { text: '{"token":"hush5 ' } },
    { drop: 'rst' },
  ] as const) {
    using _ = upstream.faults.add({ match: { kind: 'token' }, ...fault });
    await client.ask('/v2/app/manifests/v1').catch((error: unknown) => seen.push(everything(error)));
    client.clock.advance(60_000);
  }
  assert.ok(seen.length >= 12 && client.log.length >= 20);
  const secrets = [
    'hush',
    'X-Sig',
    Buffer.from('user-hush1:password-hush2').toString('base64'),
    ...upstream.tokens.issued.map(({ value }) => value),
  ];
  const text = [...seen, ...client.log, await client.metrics.registry.metrics()].join('\n');
  for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} can be read`);
});
