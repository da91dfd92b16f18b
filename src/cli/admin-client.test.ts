import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createAdminClient, type AdminClient } from './admin-client.ts';

const never = new AbortController().signal;

/** Runs a client against a server with this answer. */
async function withServer<T>(answer: RequestListener, use: (client: AdminClient) => Promise<T>): Promise<T> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    return await use(createAdminClient(new URL(`http://127.0.0.1:${port}/`), 'f00d'));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function all(client: AdminClient): Promise<Record<string, unknown>[]> {
  const events: Record<string, unknown>[] = [];
  for await (const event of client.act('/do', { x: 1 }, never)) events.push(event);
  return events;
}

test('a call is a POST of JSON with the token, and gives each line until the result', async () => {
  await withServer(
    (request, response) => {
      const { authorization, 'content-type': type } = request.headers;
      response.end(
        `\n${JSON.stringify({ event: 'a', method: request.method, authorization, type })}\n\n{"event":"result"}\n`,
      );
    },
    async (client) => {
      assert.deepEqual(await all(client), [
        { event: 'a', method: 'POST', authorization: 'Bearer f00d', type: 'application/json' },
        { event: 'result' },
      ]);
    },
  );
});

for (const [what, answer, code, message] of [
  ['a failure', [404, '{"code":"NOT_STORED","error":"gone","hint":"look"}'], 'NOT_STORED', /^gone$/],
  ['a failure of a later version', [400, '{"code":"NEW","error":"odd"}'], 'INTERNAL', /^odd$/],
  [
    'a failure half-way',
    [200, '{"event":"a"}\n{"event":"error","code":"STORE_FULL","error":"full"}\n'],
    'STORE_FULL',
    /^full$/,
  ],
  ['an end without a result', [200, '{"event":"a"}\n'], 'ADMIN_UNREACHABLE', /ended before its result/],
  ['an end within a line', [200, '{"event"'], 'ADMIN_UNREACHABLE', /broke off/],
  ['an answer of something else', [200, 'hello\n'], 'ADMIN_UNREACHABLE', /no JSON/],
  [
    'a refusal of something else',
    [405, 'only GET\n'],
    'ADMIN_UNREACHABLE',
    /status 405: it is no larder serve/,
  ],
] as const) {
  test(`${what} is ${code}`, async () => {
    await withServer(
      (_request, response) => response.writeHead(answer[0]).end(answer[1]),
      (client) => assert.rejects(all(client), { code, message }),
    );
  });
}

test('a connection that breaks off, and an address without a listener, are reported in a sentence', async () => {
  await withServer(
    (request, response) => {
      response.write('{"event":"a"}\n', () => request.socket.destroy());
    },
    (client) => assert.rejects(all(client), { code: 'ADMIN_UNREACHABLE', message: /broke off/ }),
  );
  const client = await withServer(
    () => {},
    (gone) => Promise.resolve(gone),
  );
  await assert.rejects(all(client), {
    code: 'ADMIN_UNREACHABLE',
    message: /^nothing answers at http.*ECONNREFUSED/,
  });
  await assert.rejects(client.read('/doc', never), { code: 'ADMIN_UNREACHABLE' });
});

test('a listener without TLS at an https address is reported in a sentence', async () => {
  await withServer(
    () => {},
    async ({ url }) => {
      const client = createAdminClient(new URL(url.replace('http:', 'https:')), undefined);
      await assert.rejects(client.read('/x', never), {
        code: 'ADMIN_UNREACHABLE',
        message: /^nothing answers at https:\S+: TLS failed: [a-z ]+$/,
      });
    },
  );
});

test('an aborted call rejects with the reason, before and within an answer', async () => {
  const stop = new AbortController();
  await withServer(
    (_request, response) => {
      response.write('{"event":"a"}\n');
    },
    (client) =>
      assert.rejects(
        async () => {
          for await (const _ of client.act('/do', {}, stop.signal)) stop.abort(new Error('enough'));
        },
        { message: 'enough' },
      ),
  );
});
