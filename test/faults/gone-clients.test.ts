/** Clients that leave before they are answered cost nobody else anything: Larder goes on, and keeps nothing of theirs. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get, imageOf, pullImage, startUpstream, tempDir, waitFor, type FaultOptions } from '../kit/index.ts';
import { connectRaw } from './raw-connection.ts';
import { startCache } from './setting.ts';

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
        const request = `GET /v2/team/app/manifests/${digest} HTTP/1.1\r\nHost: larder\r\n\r\n`;
        const clients = await Promise.all([1, 2, 3, 4].map(() => connectRaw(larder.registry)));
        await Promise.all(clients.map((client) => client.send(request)));
        for (const client of clients) client.reset();
      }
      assert.equal((await get(`${larder.admin}/healthz`)).status, 200);
      if (faults === undefined) await upstream.accept();
      else faults.remove();
      await waitFor(() => pullImage(larder.registry, 'team/app', 'v0'), { everyMs: 200 });
    });
  }
});
