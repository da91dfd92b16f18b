/** An upstream that fails and content that is not cached: the client learns it in time, and all is normal soon after. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import {
  blobOf,
  createTestPki,
  get,
  head,
  imageOf,
  measureMachine,
  pullImage,
  startLarder,
  startUpstream,
  tempDir,
  tlsFlags,
  waitFor,
  type FaultOptions,
  type GetResult,
  type TestBlob,
} from '../kit/index.ts';
import { censusOf } from './census.ts';
import {
  baseUrl,
  blobUrl,
  cacheStatus,
  configOf,
  configWith,
  errorCode,
  HEAVY,
  manifestUrl,
  MiB,
  startCache,
} from './setting.ts';
import { newBlob, newImage, shareLarder } from './shared-larder.ts';

const IMAGE = imageOf({ layers: [5000, 2 * MiB] });

const { limit } = await measureMachine();
const PKI = createTestPki();
const shared = shareLarder({ secrets: { ca: { 'bundle.crt': PKI.caPem } } });

/** After the end of a fault everything is normal within 10 s. */
const RECOVERY = { limitMs: 10_000, everyMs: 200 };

const causes: { name: string; fault: FaultOptions | 'refuse'; status: number; detail: string }[] = [
  { name: 'that refuses connections', fault: 'refuse', status: 502, detail: 'UPSTREAM_UNREACHABLE' },
  {
    name: 'that closes without an answer',
    fault: { drop: 'fin' },
    status: 502,
    detail: 'UPSTREAM_UNREACHABLE',
  },
  { name: 'that resets connections', fault: { drop: 'rst' }, status: 502, detail: 'UPSTREAM_UNREACHABLE' },
  { name: 'that answers 500', fault: { status: 500 }, status: 502, detail: 'UPSTREAM_5XX' },
  { name: 'that answers 503', fault: { status: 503, retryAfter: 1 }, status: 502, detail: 'UPSTREAM_5XX' },
  { name: 'that answers 418', fault: { status: 418 }, status: 502, detail: 'UPSTREAM_BAD_ANSWER' },
];

suite('an upstream', { concurrency: 4 }, () => {
  for (const { name, fault, status, detail } of causes) {
    shared.test(
      `${name} is a ${status}, warm content is served all the same, and pulls work within 10 s after`,
      async ({ upstream, larder, pull }) => {
        const image = newImage({ layers: [5000, 2 * MiB] });
        upstream.push('team/app', image, 'v1');
        const warm = newBlob(1000);
        upstream.push('team/app', warm);
        await get(blobUrl(larder, 'team/app', warm));
        if (fault === 'refuse') await upstream.refuse();
        else upstream.faults.add(fault);

        const urls = [
          manifestUrl(larder, 'team/app', 'v1'),
          manifestUrl(larder, 'team/app', image.digest),
          blobUrl(larder, 'team/app', image.layers[0] as TestBlob),
          `${baseUrl(larder)}/team/app/tags/list`,
        ];
        for (const url of urls) {
          const answer = await get(url);
          assert.equal(errorCode(answer), 'UNAVAILABLE');
          // After five failures nothing is sent any more.
          const expected = answer.status === 503 ? 'UPSTREAM_BREAKER_OPEN' : detail;
          assert.equal(cacheStatus(answer).at(-1), `detail=${expected}`);
          if (url === urls[0] || answer.status !== 503) assert.equal(answer.status, status, url);
        }
        assert.ok([status, 503].includes((await head(urls[0] as string)).status));
        assert.deepEqual(cacheStatus(await get(blobUrl(larder, 'team/app', warm))), ['larder', 'hit']);

        if (fault === 'refuse') await upstream.accept();
        else upstream.faults.clear();
        await waitFor(() => pull('team/app', 'v1'), RECOVERY);
      },
    );
  }

  shared.test(
    'that fails again and again is left alone: 503 with Retry-After at once, and the gauge says down',
    async ({ upstream, larder, pull }) => {
      const image = newImage({ layers: [5000, 2 * MiB] });
      upstream.push('team/app', image, 'v1');
      assert.equal(await larder.metric('larder_upstream_up'), 1);
      await upstream.refuse();
      const open = await waitFor(async () => {
        const answer = await get(manifestUrl(larder, 'team/app', 'v1'));
        return answer.status === 503 && answer;
      });
      assert.match(String(open.headers['retry-after']), /^[1-9]$/);
      assert.deepEqual(cacheStatus(open), ['larder', 'detail=UPSTREAM_BREAKER_OPEN']);
      assert.equal(await larder.metric('larder_upstream_up'), 0);
      await upstream.accept();
      await waitFor(() => pull('team/app', 'v1'), RECOVERY);
      assert.equal(await larder.metric('larder_upstream_up'), 1);
    },
  );

  shared.test(
    'that limits the rate is obeyed once for all: 429 with Retry-After relayed, nothing more sent, and on again after it',
    async ({ upstream, larder, pull }) => {
      const image = newImage({ layers: [5000, 2 * MiB] });
      upstream.push('team/app', image, 'v1');
      const limit = upstream.faults.add({
        match: { kind: ['manifest', 'blob'] },
        status: 429,
        retryAfter: 6,
      });
      const first = await get(manifestUrl(larder, 'team/app', 'v1'));
      assert.equal(first.status, 429);
      assert.equal(errorCode(first), 'TOOMANYREQUESTS');
      assert.equal(first.headers['retry-after'], '6');
      limit.remove();

      const others = await Promise.all([
        ...Array.from({ length: 20 }, () => get(manifestUrl(larder, 'team/app', 'v1'))),
        ...image.blobs.map((blob) => get(blobUrl(larder, 'team/app', blob))),
      ]);
      for (const answer of others) {
        assert.equal(answer.status, 429);
        assert.match(String(answer.headers['retry-after']), /^[1-6]$/);
      }
      assert.equal(upstream.count(), 1);
      await waitFor(() => pull('team/app', 'v1'), RECOVERY);
    },
  );

  for (const [how, fault] of [
    ['answers 500', { status: 500 }],
    ['answers half a document', { body: { text: '{"token":' } }],
    ['answers without a token', { body: { text: '{}' } }],
    ['resets connections', { drop: 'rst' }],
  ] as const) {
    shared.test(
      `whose token server ${how} is a 502, and its tokens are fetched again after`,
      async ({ upstream, larder, pull }) => {
        upstream.push('team/app', newImage({ layers: [5000, 2 * MiB] }), 'v1');
        const wrong = upstream.faults.add({ match: { kind: 'token' }, ...fault });
        assert.equal((await get(manifestUrl(larder, 'team/app', 'v1'))).status, 502);
        wrong.remove();
        await waitFor(() => pull('team/app', 'v1'), RECOVERY);
      },
      { upstream: { auth: 'bearer', token: { at: 'own-port' } } },
    );
  }

  shared.test(
    'whose storage refuses connections or answers 403 to a signed address is a 502, and works within 10 s after',
    async ({ upstream, larder }) => {
      const blob = newBlob(MiB);
      upstream.push('team/app', blob);
      await upstream.cdn?.refuse();
      assert.equal((await get(blobUrl(larder, 'team/app', blob))).status, 502);
      await upstream.cdn?.accept();
      const expired = upstream.faults.add({ match: { kind: 'cdn' }, status: 403 });
      await waitFor(
        async () => (await get(blobUrl(larder, 'team/app', blob))).status === 502 && expired.hits > 0,
        RECOVERY,
      );
      expired.remove();
      await waitFor(
        async () => (await get(blobUrl(larder, 'team/app', blob))).digest === blob.digest,
        RECOVERY,
      );
    },
    { upstream: { redirect: { to: 'cdn' } } },
  );

  shared.test('that closed its kept connections is not noticed', async ({ upstream, larder, pull }) => {
    const image = newImage({ layers: [5000, 2 * MiB] });
    upstream.push('team/app', image, 'v1');
    await get(manifestUrl(larder, 'team/app', 'v1'));
    upstream.hangUp();
    await pull('team/app', 'v1');
  });
});

const heavyOnly = { skip: HEAVY ? false : 'takes 15 to 60 s of real time: LARDER_HEAVY=1' };

suite('an outage during which one stored tag is asked for each second', { concurrency: 4 }, () => {
  const outages: [how: string, downMs: number, isHeavy: boolean, fault: FaultOptions | 'refuse'][] = [
    ['refused connections', 5_000, false, 'refuse'],
    ['reset connections', 5_000, false, { drop: 'rst' }],
    ['requests that are never answered, not even after it', 25_000, true, { hold: true }],
  ];
  for (const [how, downMs, isHeavy, fault] of outages) {
    const open = shared.add({}, { freshness: { tagTTL: '1s' } });
    test(
      `shows in the gauge, and so does its end within 10 s: ${how}`,
      isHeavy ? heavyOnly : {},
      async () => {
        const { upstream, larder } = await open();
        upstream.push('team/app', newImage(), 'v1');
        const ask = async (): Promise<void> => {
          assert.equal((await get(manifestUrl(larder, 'team/app', 'v1'))).status, 200);
        };
        await ask();
        const asked: Promise<void>[] = [];
        const asking = setInterval(() => asked.push(ask()), 1_000);
        const isUp = (): Promise<number> => larder.metric('larder_upstream_up');
        try {
          let isOver = false;
          if (fault === 'refuse') await upstream.refuse();
          else upstream.faults.add({ ...fault, match: { where: () => !isOver } });
          await waitFor(async () => (await isUp()) === 0, { limitMs: downMs, everyMs: 100 });
          isOver = true;
          if (fault === 'refuse') await upstream.accept();
          await waitFor(async () => (await isUp()) === 1, { limitMs: 10_000, everyMs: 100 });
        } finally {
          clearInterval(asking);
        }
        await Promise.all(asked);
      },
    );
  }
});

suite('silence', { concurrency: 4 }, () => {
  test('before the headers is a 504 after 15 s, for manifests and blobs', heavyOnly, async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', IMAGE, 'v1');
    const hang = upstream.faults.add({ match: { kind: ['manifest', 'blob'] }, hold: true });
    await using larder = await startCache(upstream);
    const layer = IMAGE.layers[0] as TestBlob;
    const answers = await Promise.all([
      timed(() => get(manifestUrl(larder, 'team/app', 'v1'))),
      timed(() => get(blobUrl(larder, 'team/app', layer))),
    ]);
    for (const { answer, ms } of answers) {
      assert.equal(answer.status, 504);
      assert.deepEqual(cacheStatus(answer), ['larder', 'detail=UPSTREAM_TIMEOUT']);
      assert.ok(ms > 14_000 && ms < 14_000 + limit(6_000), `${ms} ms`);
    }
    hang.remove();
    await waitFor(() => pullImage(larder.registry, 'team/app', 'v1'), RECOVERY);
  });

  test('in a body is resumed after 60 s', heavyOnly, async () => {
    const blob = blobOf(8 * MiB, 4);
    await using upstream = await startUpstream();
    upstream.push('team/app', blob);
    upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: 2 * MiB, nth: 1 });
    await using larder = await startCache(upstream);
    const { answer, ms } = await timed(() =>
      get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } }),
    );
    assert.equal(answer.complete && answer.matches && answer.bytes === blob.size, true);
    assert.ok(ms > 55_000 && ms < 55_000 + limit(20_000), `${ms} ms`);
    assert.equal(upstream.count(), 2);
  });

  shared.test('of one path does not hold up another', async ({ upstream, larder, pull }) => {
    const image = newImage({ layers: [5000, 2 * MiB] });
    upstream.push('team/app', image, 'v1');
    upstream.push('team/other', image, 'v1');
    using hang = upstream.faults.add({ match: { repository: 'team/other' }, hold: true });
    const gone = new AbortController();
    const stuck = Array.from({ length: 100 }, (_, index) =>
      get(manifestUrl(larder, 'team/other', `t${index}`), { signal: gone.signal }).catch(() => undefined),
    );
    await hang.reached(100);
    await pull('team/app', 'v1');
    gone.abort();
    await Promise.all(stuck);
  });

  shared.test(
    'of a client that sends half a request keeps nobody else waiting',
    async ({ upstream, larder, pull }) => {
      const image = newImage({ layers: [5000, 2 * MiB] });
      upstream.push('team/app', image, 'v1');
      const sockets = Array.from({ length: 50 }, () => {
        const socket = connect(Number(new URL(larder.registry).port), '127.0.0.1');
        socket.on('error', () => {});
        socket.write('GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow: ');
        return socket;
      });
      try {
        await pull('team/app', 'v1');
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    },
  );

  test(
    'of a client in the middle of a handshake or a request ends its connection within 70 s',
    heavyOnly,
    async () => {
      using files = tempDir();
      await using upstream = await startUpstream();
      await using plain = await startCache(upstream);
      await using secure = await startCache(upstream, { flags: tlsFlags(files, createTestPki().server()) });
      const greeting = Buffer.from('1603010200010001fc0303', 'hex');
      const before = [plain, secure].map(({ pid }) => censusOf(pid)?.sockets ?? 0);
      const halves = [
        [plain, 'GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Half: '],
        [plain, 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf'],
        [secure, greeting],
      ] as const;
      const sockets = halves.map(([{ registry }, sent]) => {
        const socket = connect({
          port: Number(new URL(registry).port),
          host: '127.0.0.1',
          allowHalfOpen: true,
        });
        socket.on('error', () => {}).resume();
        socket.write(sent);
        return socket;
      });
      try {
        const began = performance.now();
        const isOver = (): boolean =>
          sockets.every(({ readableEnded }) => readableEnded) &&
          [plain, secure].every(
            ({ pid }, index) => (censusOf(pid)?.sockets ?? 0) <= (before[index] as number),
          );
        await waitFor(isOver, { limitMs: 80_000, everyMs: 200 });
        assert.ok(performance.now() - began < 60_000 + limit(10_000), `${performance.now() - began} ms`);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    },
  );
});

suite('an upstream with TLS', { concurrency: 2 }, () => {
  test('whose authority is unknown is a 502 that says what to do; a CA bundle that appears later is used within 10 s', async () => {
    await using upstream = await startUpstream({ tls: true });
    upstream.push('team/app', IMAGE, 'v1');
    const cache = { caBundleSecretReferenceName: 'ca' };
    await using larder = await startCache(upstream, { cache, secrets: { unrelated: { key: 'x' } } });
    const untrusted = await get(manifestUrl(larder, 'team/app', 'v1'));
    assert.equal(untrusted.status, 502);
    assert.match(untrusted.text(), /caBundleSecretReferenceName/);
    assert.equal(await larder.metric('larder_secrets_missing', { upstream_host: upstream.host }), 1);
    larder.writeSecret('ca', 'bundle.crt', upstream.caPem ?? '');
    const missing = () => larder.metric('larder_secrets_missing', { upstream_host: upstream.host });
    await waitFor(async () => (await missing()) === 0, RECOVERY);
    await waitFor(() => pullImage(larder.registry, 'team/app', 'v1'), RECOVERY);
  });

  for (const failure of ['expired', 'wrong-name', 'untrusted', 'close'] as const) {
    shared.test(
      `that breaks (${failure}) is a 502 and works within 10 s after`,
      async ({ upstream, larder, pull }) => {
        upstream.push('team/app', newImage(), 'v1');
        upstream.breakTls(failure);
        assert.equal((await get(manifestUrl(larder, 'team/app', 'v1'))).status, 502);
        upstream.breakTls(undefined);
        await waitFor(() => pull('team/app', 'v1'), RECOVERY);
      },
      { upstream: { tls: PKI }, cache: { caBundleSecretReferenceName: 'ca' } },
    );
  }

  const NAME = 'registry.example';
  const proxied = async (
    by: (proxy: string) => { env?: Record<string, string>; cache?: object },
  ): Promise<string[]> => {
    const pki = createTestPki([NAME]);
    await using upstream = await startUpstream({ tls: pki });
    upstream.push('team/app', IMAGE, 'v1');
    const proxy = await startProxy(upstream.port);
    try {
      const { env = {}, cache } = by(proxy.url);
      await using larder = await startLarder({
        config: configWith([
          { upstream: NAME, remoteURL: `https://${NAME}`, caBundleSecretReferenceName: 'ca', ...cache },
        ]),
        secrets: { ca: { 'bundle.crt': pki.caPem } },
        env: { HTTPS_PROXY: '', NO_PROXY: '', https_proxy: '', no_proxy: '', ...env },
      });
      if (env['NO_PROXY'])
        assert.equal((await get(manifestUrl(larder, 'team/app', 'v1'))).status, 502, 'there is no such name');
      else await pullImage(larder.registry, 'team/app', 'v1');
      return [...new Set(proxy.tunnels)];
    } finally {
      proxy.close();
    }
  };

  test('is reached through HTTPS_PROXY, through the proxy of its configuration, and directly when NO_PROXY names it', async () => {
    assert.deepEqual(await proxied((proxy) => ({ env: { HTTPS_PROXY: proxy } })), [`${NAME}:443`]);
    assert.deepEqual(await proxied((proxy) => ({ cache: { proxy: { httpsProxy: proxy } } })), [
      `${NAME}:443`,
    ]);
    assert.deepEqual(await proxied((proxy) => ({ env: { HTTPS_PROXY: proxy, NO_PROXY: NAME } })), []);
  });
});

shared.test(
  'no more than 128 connections go to an upstream, however many callers want different things',
  async ({ upstream, larder }) => {
    const blobs = Array.from({ length: 300 }, () => newBlob(1000));
    for (const blob of blobs) upstream.push('team/app', blob);
    const hold = upstream.faults.add({ match: { kind: 'blob' }, hold: true });
    const pulls = blobs.map((blob) => get(blobUrl(larder, 'team/app', blob)));
    await hold.reached(128);
    hold.release();
    for (const [index, answer] of (await Promise.all(pulls)).entries())
      assert.equal(answer.digest, blobs[index]?.digest);
    assert.ok(upstream.connections.peak <= 128, `${upstream.connections.peak} connections`);
  },
);

test('a change of remoteURL takes effect without a restart', async () => {
  await using one = await startUpstream();
  await using two = await startUpstream();
  two.push('team/app', IMAGE, 'v1');
  await using larder = await startCache(one);
  assert.equal((await get(manifestUrl(larder, 'team/app', 'v1'))).status, 404);
  larder.writeConfig(configOf(one, { remoteURL: two.url }));
  await waitFor(() => pullImage(larder.registry, 'team/app', 'v1'), RECOVERY);
});

/** A proxy that only tunnels, whatever the name to `port` on this machine, and notes where to. */
async function startProxy(port: number): Promise<{ url: string; tunnels: string[]; close(): void }> {
  const tunnels: string[] = [];
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, client) => {
    tunnels.push(request.url ?? '');
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
    client.on('close', () => target.destroy());
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function timed(work: () => Promise<GetResult>): Promise<{ answer: GetResult; ms: number }> {
  const begin = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - begin };
}
