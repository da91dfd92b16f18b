/** Clients that leave before they are answered cost nobody else anything: Larder goes on, and keeps nothing of theirs. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  blobOf,
  connectRaw,
  createTestPki,
  get,
  imageOf,
  pullImage,
  startUpstream,
  tempDir,
  tlsFlags,
  waitFor,
  type FaultOptions,
} from '../kit/index.ts';
import { censusOf } from './census.ts';
import { blobUrl, cacheStatus, startCache } from './setting.ts';

const IMAGES = Array.from({ length: 30 }, (_, index) => imageOf({ seed: index + 1 }));

const refusals: { name: string; fault: FaultOptions | 'refuse' }[] = [
  { name: 'refuses connections', fault: 'refuse' },
  { name: 'refuses them with 403', fault: { status: 403 } },
  { name: 'answers 500', fault: { status: 500 } },
];

suite('clients that reset their connections right after a request', { concurrency: 2 }, () => {
  for (const { name, fault } of refusals) {
    test(`do not end the process when the upstream then ${name}`, async () => {
      using directory = tempDir();
      const store = `${directory.path}/store`;
      await using upstream = await startUpstream();
      for (const [index, image] of IMAGES.entries()) upstream.push('team/app', image, `v${index}`);
      // With each proof over at once, the upstream is asked about each request.
      const cache = { authentication: { proofLifetime: '1ms' } };
      {
        await using before = await startCache(upstream, { store, cache });
        for (const index of IMAGES.keys()) await pullImage(before.registry, 'team/app', `v${index}`);
        await before.stop();
      }
      // Nothing is in memory after a restart: the client leaves while the manifest is read from disk, before the upstream is asked.
      await using larder = await startCache(upstream, { store, cache });
      const faults = fault === 'refuse' ? undefined : upstream.faults.add(fault);
      if (faults === undefined) await upstream.refuse();
      for (const { digest } of IMAGES) {
        const clients = await Promise.all([1, 2, 3, 4].map(() => connectRaw(larder.registry)));
        await Promise.all(clients.map((client) => client.send(requestOf(`manifests/${digest}`))));
        for (const client of clients) client.reset();
      }
      assert.equal((await get(`${larder.admin}/healthz`)).status, 200);
      if (faults === undefined) await upstream.accept();
      else faults.remove();
      await waitFor(() => pullImage(larder.registry, 'team/app', 'v0'), { everyMs: 200 });
    });
  }
});

test('clients that reset TLS connections leave none of them open', async () => {
  const blob = blobOf(1_000_000);
  const pki = createTestPki();
  using files = tempDir();
  await using upstream = await startUpstream();
  upstream.push('team/app', blob);
  const flags = tlsFlags(files, pki.server());
  await using larder = await startCache(upstream, { flags });
  assert.equal((await get(blobUrl(larder, 'team/app', blob), { ca: pki.caPem })).status, 200);
  const before = censusOf(larder.pid);
  for (let round = 0; round < 30; round += 1) {
    const clients = await Promise.all(Array.from({ length: 10 }, () => connectRaw(larder.registry)));
    await Promise.all(clients.map((client) => client.send(requestOf(`blobs/${blob.digest}`))));
    for (const client of clients) client.reset();
  }
  await waitFor(() => (censusOf(larder.pid)?.sockets ?? 0) <= (before?.sockets ?? 0), { everyMs: 100 });
});

test('a client that leaves in the middle of a body that is not stored is no failure of ours', async () => {
  const blob = blobOf(4_000_000);
  await using upstream = await startUpstream();
  upstream.push('team/app', blob);
  using _pause = upstream.faults.add({ pauseAfter: 1_000_000 });
  await using larder = await startCache(upstream, { flags: ['--max-size', '1Mi'] });
  const leaving = new AbortController();
  const answer = await get(blobUrl(larder, 'team/app', blob), {
    signal: leaving.signal,
    onBytes: (received) => received > 800_000 && leaving.abort(),
  });
  assert.deepEqual(cacheStatus(answer), ['larder', 'fwd=bypass', 'detail=STORE_FULL']);
  assert.equal(answer.complete, false);
  await waitFor(() => upstream.requests[0]?.ending === 'aborted');
  await larder.stop();
  assert.deepEqual(
    larder.logs.filter(({ level }) => level === 'error'),
    [],
  );
});

function requestOf(rest: string): string {
  return `GET /v2/team/app/${rest} HTTP/1.1\r\nHost: larder\r\n\r\n`;
}
