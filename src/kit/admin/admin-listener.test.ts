import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { test } from 'node:test';
import { get, type GetOptions, type GetResult } from '../../../test/kit/client.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { createAdminListener, jsonPage, type AdminAction } from './admin-listener.ts';
import { ManualClock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { createMetricsRegistry } from '../metrics.ts';

interface Setting extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly port: number;
  call(options?: GetOptions): Promise<GetResult>;
}

/** A listener with one document, `/doc`, and one action, `/do`. */
async function setting(action: AdminAction): Promise<Setting> {
  const clock = new ManualClock();
  const server: Server = createAdminListener({
    metrics: createMetricsRegistry(),
    logger: silentLogger,
    ready: () => true,
    documents: { '/doc': () => Promise.resolve({ a: 1 }) },
    actions: {
      clock,
      guard({ headers }) {
        if (headers['x-refused'] !== undefined)
          throw new LarderError('ADMIN_TOKEN_REQUIRED', 'no', { hint: 'ask' });
      },
      byPath: { '/do': action },
    },
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    clock,
    port,
    call: (options = {}) =>
      get(`http://127.0.0.1:${port}/do`, {
        method: 'POST',
        send: '{"x":1}',
        ...options,
        headers: { 'content-type': 'application/json', ...options.headers },
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('an action gets the body, and reports line by line', async () => {
  await using under = await setting(async (body, stream) => {
    await stream.write({ event: 'progress', body });
    await stream.write({ event: 'result' });
  });
  const answer = await under.call();
  assert.equal(answer.headers['content-type'], 'application/x-ndjson');
  assert.equal(answer.text(), '{"event":"progress","body":{"x":1}}\n{"event":"result"}\n');
});

test('an error before the first line is the answer, with its own status; a later error is the last line', async () => {
  for (const [lines, status, text] of [
    [0, 404, '{"code":"NOT_STORED","error":"not here","hint":"look"}'],
    [1, 200, '{}\n{"event":"error","code":"NOT_STORED","error":"not here","hint":"look"}\n'],
  ] as const) {
    await using under = await setting(async (_body, stream) => {
      for (let line = 0; line < lines; line += 1) await stream.write({});
      throw new LarderError('NOT_STORED', 'not here', { hint: 'look' });
    });
    const answer = await under.call();
    assert.deepEqual([answer.status, answer.text()], [status, text]);
  }
  await using under = await setting(() => Promise.reject(new Error('private matters')));
  const answer = await under.call();
  assert.deepEqual([answer.status, answer.text()], [500, '{"code":"INTERNAL","error":"internal error"}']);
});

test('no action runs for a call that is refused, is no POST or no JSON', async () => {
  let done = 0;
  await using under = await setting(async (_body, stream) => {
    done += 1;
    await stream.write({});
  });
  const refused = await under.call({ headers: { 'x-refused': '1' } });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers['www-authenticate'], 'Bearer realm="larder admin"');
  for (const [options, status] of [
    [{ method: 'GET' }, 405],
    [{ method: 'PUT' }, 405],
    [{ headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 400],
    [{ headers: { 'content-type': 'text/plain' } }, 400],
    [{ headers: { 'content-type': 'application/jsonp' } }, 400],
    [{ send: '{' }, 400],
    [{ send: ' '.repeat(17_000) }, 400],
  ] as const) {
    assert.equal((await under.call(options)).status, status, JSON.stringify(options).slice(0, 80));
  }
  assert.equal(done, 0);
  assert.equal(
    (await under.call({ send: '', headers: { 'content-type': 'application/json; charset=utf-8' } })).status,
    200,
  );
});

test('documents and probes are only read, and an unknown path lists the known ones', async () => {
  await using under = await setting(() => Promise.resolve());
  const at = (path: string, method = 'GET') => get(`http://127.0.0.1:${under.port}${path}`, { method });
  assert.deepEqual((await at('/doc')).json(), { a: 1 });
  assert.equal((await at('/doc', 'POST')).status, 405);
  assert.equal((await at('/healthz')).text(), 'ok\n');
  assert.match((await at('/nothing')).text(), /\/metrics, \/doc, POST \/do\n$/);
});

test('a listener for probes has no metrics, and one for metrics no probes', async () => {
  const [logger, metrics] = [silentLogger, createMetricsRegistry()];
  const listeners = [
    { deps: { logger, metrics, metricsPath: false as const, ready: () => false }, statuses: [200, 503, 404] },
    { deps: { logger, metrics }, statuses: [404, 404, 200] },
  ];
  for (const { deps, statuses } of listeners) {
    const server = createAdminListener(deps).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const at = async (path: string) => (await get(`http://127.0.0.1:${port}${path}`)).status;
    assert.deepEqual([await at('/healthz'), await at('/readyz'), await at('/metrics')], statuses);
    server.close();
    await once(server, 'close');
  }
});

test('while nothing happens an empty line comes each 10 s, and a client that leaves ends the work', async () => {
  let reason: unknown;
  await using under = await setting(async (_body, stream) => {
    await stream.write({});
    await new Promise((resolve) => {
      stream.signal.addEventListener('abort', resolve, { once: true });
    });
    reason = stream.signal.reason;
    throw reason;
  });
  const client = new AbortController();
  let received = 0;
  const answer = under.call({ signal: client.signal, onBytes: (bytes) => (received = bytes) });
  await waitFor(() => received === 3);
  under.clock.advance(9999);
  under.clock.advance(1);
  await waitFor(() => received === 4);
  under.clock.advance(10_000);
  await waitFor(() => received === 5);
  client.abort();
  assert.equal((await answer).complete, false);
  await waitFor(() => (reason as { code?: string } | undefined)?.code === 'CLIENT_GONE');
  assert.equal(under.clock.pending, 0);
});

test('a client that takes no line for a minute has left', async () => {
  let failure: unknown;
  let written = 0;
  await using under = await setting(async (_body, stream) => {
    try {
      for (;;) {
        await stream.write('x'.repeat(1024 * 1024));
        written += 1;
      }
    } catch (error) {
      failure = error;
      throw error;
    }
  });
  const socket = connect(under.port, '127.0.0.1').pause();
  socket.on('error', () => {});
  socket.write(
    'POST /do HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  );
  let before = -1;
  await waitFor(
    () => {
      const isStuck = written > 0 && written === before;
      before = written;
      return isStuck;
    },
    { everyMs: 100 },
  );
  under.clock.advance(60_000);
  await waitFor(() => (failure as { code?: string } | undefined)?.code === 'CLIENT_GONE');
  socket.destroy();
});

test('a program has pages of its own, and may move the metrics or leave them out', async () => {
  const common = { metrics: createMetricsRegistry(), logger: silentLogger, ready: () => true };
  const pages = { '/mine': () => jsonPage(503, { a: 'b' }) };
  for (const [metricsPath, found] of [
    [undefined, ['/metrics']],
    ['/m', ['/m']],
    [false, []],
  ] as const) {
    const server = createAdminListener({
      ...common,
      pages,
      ...(metricsPath !== undefined && { metricsPath }),
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const mine = await get(`${url}/mine`);
    assert.deepEqual([mine.status, mine.text()], [503, '{"a":"b"}']);
    const ok: string[] = [];
    for (const path of ['/metrics', '/m']) if ((await get(url + path)).status === 200) ok.push(path);
    assert.deepEqual(ok, found);
    const listed = ['/healthz', '/readyz', ...found, '/mine'].join(', ');
    assert.equal((await get(`${url}/none`)).text(), `not found: this listener has ${listed}\n`);
    server.close();
  }
});
