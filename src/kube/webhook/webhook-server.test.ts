import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, test, type TestContext } from 'node:test';
import { assertNoLeaks, connectRaw, gate, waitFor } from '../../../test/kit/index.ts';
import {
  patchOf,
  postReview,
  reviewOf,
  type ReviewAnswer,
  type ReviewOptions,
} from '../../../test/kube/reviews.ts';
import { ManualClock, systemClock, type Clock } from '../../kit/clock.ts';
import { createLogger } from '../../kit/logger.ts';
import { createAuthority, issueCertificate } from '../certificates/authority.ts';
import type { KeyPair } from '../certificates/key-pair.ts';
import type { AdmissionHandler, AdmissionRequest } from './admission.ts';
import { WEBHOOK_LIMITS, type WebhookLimits } from './webhook-limits.ts';
import { startWebhookServer, type WebhookServer } from './webhook-server.ts';

const YEAR = { from: Date.now(), until: Date.now() + 365 * 24 * 3600_000 };
const NAMES = ['localhost', '127.0.0.1'];
const authority = await createAuthority('webhook', YEAR);
const certificate = await issueCertificate(authority, NAMES, YEAR);

interface Options {
  readonly handle?: AdmissionHandler;
  readonly clock?: Clock;
  readonly limits?: Partial<WebhookLimits>;
}

interface Hook {
  readonly server: WebhookServer;
  readonly logged: string[];
  readonly seen: AdmissionRequest[];
  readonly post: (body: object | string, options?: ReviewOptions) => Promise<ReviewAnswer>;
}

async function startHook(context: TestContext, options: Options = {}): Promise<Hook> {
  const { handle = async () => ({ allowed: true }), clock = systemClock, limits } = options;
  const logged: string[] = [];
  const seen: AdmissionRequest[] = [];
  const server = await startWebhookServer(
    { clock, logger: createLogger({ level: 'warn', format: 'json' }, (line) => logged.push(line)) },
    {
      address: { host: '127.0.0.1', port: 0 },
      flag: '--port',
      certificate,
      limits: { ...WEBHOOK_LIMITS, ...limits },
      handlers: new Map([
        [
          '/hook',
          async (request, signal) => {
            seen.push(request);
            return await handle(request, signal);
          },
        ],
      ]),
    },
  );
  context.after(async () => {
    let isClosed = false;
    const closed = server.close().then(() => (isClosed = true));
    if (clock instanceof ManualClock) await waitFor(() => (clock.advance(100), isClosed));
    await closed;
  });
  return {
    server,
    logged,
    seen,
    post: (body, more) => postReview(server.address, '/hook', body, { ca: authority.certificate, ...more }),
  };
}

const KIND = { group: 'core.gardener.cloud', version: 'v1beta1', kind: 'Shoot' };
const REQUEST = { uid: 'u-1', kind: KIND, operation: 'CREATE', name: 's', namespace: 'garden-p' };

describe('a webhook', () => {
  test('answers in the version of the review, and knows an absent object from one', async (context) => {
    const { post, seen } = await startHook(context);
    for (const version of ['v1', 'v1beta1', 'v9']) {
      const { httpStatus, headers, review } = await post(
        reviewOf({ ...REQUEST, object: { a: 1 }, oldObject: null }, version),
      );
      assert.deepEqual([httpStatus, headers['content-type']], [200, 'application/json']);
      assert.deepEqual(review, {
        apiVersion: `admission.k8s.io/${version}`,
        kind: 'AdmissionReview',
        response: { uid: 'u-1', allowed: true, status: { code: 200 } },
      });
    }
    const text = JSON.stringify(reviewOf({ ...REQUEST, object: { a: 1 }, oldObject: null }));
    assert.deepEqual(seen[0], { ...REQUEST, object: { a: 1 }, oldObject: undefined, text });
  });

  test('denies with code, message and reason', async (context) => {
    let code = 403;
    const { post } = await startHook(context, {
      handle: async () => ({ allowed: false, code, message: 'no caches' }),
    });
    const { review } = await post(reviewOf(REQUEST));
    const status = { code: 403, message: 'no caches', reason: 'Forbidden' };
    assert.deepEqual(review?.response, { uid: 'u-1', allowed: false, status });
    code = 400;
    const second = await post(reviewOf(REQUEST));
    assert.deepEqual(second.review?.response.status, { code: 400, message: 'no caches' });
  });

  test('sends the difference of a changed object as a JSON patch, and none if nothing has changed', async (context) => {
    const { post } = await startHook(context, {
      handle: async ({ object }) => ({ allowed: true, changed: { ...(object as object), mode: 'new' } }),
    });
    const { review } = await post(reviewOf({ ...REQUEST, object: { spec: { a: [1] } } }));
    assert.equal(review?.response.patchType, 'JSONPatch');
    assert.deepEqual(review && patchOf(review), [{ op: 'add', path: '/mode', value: 'new' }]);
    const { review: same } = await post(reviewOf({ ...REQUEST, object: { mode: 'new' } }));
    assert.deepEqual(same?.response, { uid: 'u-1', allowed: true, status: { code: 200 } });
  });

  test('denies with 500 when a handler throws, with its message and without its stack, and logs it once', async (context) => {
    const { post, logged } = await startHook(context, {
      handle: async () => {
        throw new TypeError('no such field');
      },
    });
    const { httpStatus, review, text } = await post(reviewOf(REQUEST, 'v1beta1'));
    const status = { code: 500, message: 'unexpected error: no such field' };
    assert.deepEqual([httpStatus, review?.response], [200, { uid: 'u-1', allowed: false, status }]);
    assert.doesNotMatch(text, /webhook-server/);
    assert.equal(logged.length, 1);
    assert.match(logged[0] ?? '', /"path":"\/hook".*"name":"s".*webhook-server.*an admission handler failed/);
  });

  test('denies with 500 when a handler changes the object in its place', async (context) => {
    const { post } = await startHook(context, {
      handle: async ({ object }) => {
        (object as { spec: { a: number } }).spec.a = 2;
        return { allowed: true, changed: object };
      },
    });
    const { review } = await post(reviewOf({ ...REQUEST, object: { spec: { a: 1 } } }));
    assert.equal(review?.response.status?.code, 500);
  });
});

describe('what is no review', () => {
  const MiB = 1024 * 1024;
  const JSON_TYPE = { 'Content-Type': 'application/json' };
  const cases: readonly (readonly [string, string, Record<string, string>, number, RegExp])[] = [
    ['an empty body', '', JSON_TYPE, 400, /empty body/],
    [
      'another content type',
      '{}',
      { 'Content-Type': 'text/yaml' },
      400,
      /application\/json, found text\/yaml/,
    ],
    ['no content type', '{}', {}, 400, /found none/],
    ['no JSON', 'hunter2', JSON_TYPE, 400, /expected JSON$/],
    ['a list', '[]', JSON_TYPE, 400, /cannot be decoded: [^:]+: expected object/],
    ['a review without a request', '{"kind":"AdmissionReview"}', JSON_TYPE, 400, /request: /],
    ['a uid that is no text', '{"request":{"uid":7}}', JSON_TYPE, 400, /request\.uid: /],
    ['a body of 7 MiB', ' '.repeat(7 * MiB), JSON_TYPE, 413, /less than 7340032 bytes/],
    ['a much longer body', ' '.repeat(20 * MiB), JSON_TYPE, 413, /less than 7340032 bytes/],
  ];
  for (const [what, body, headers, code, message] of cases) {
    test(`${what} is denied with ${code} in an answer without a version`, async (context) => {
      const { post, seen, logged } = await startHook(context);
      const { httpStatus, review } = await post(body, { headers });
      assert.deepEqual([httpStatus, review?.apiVersion, review?.response.uid], [200, undefined, '']);
      assert.deepEqual([review?.response.allowed, review?.response.status?.code], [false, code]);
      assert.match(review?.response.status?.message ?? '', message);
      assert.doesNotMatch(logged.join(), /hunter/);
      assert.equal(seen.length, 0);
    });
  }

  test('a body without a length is taken up to the limit', async (context) => {
    const { server } = await startHook(context);
    for (const [length, code] of [
      [7 * MiB - 1, 200],
      [7 * MiB, 413],
    ] as const) {
      const client = await connectRaw(`https://127.0.0.1:${server.address.port}`);
      const review = JSON.stringify(reviewOf(REQUEST)).padEnd(length);
      const head =
        'POST /hook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
      await client.send(`${head}${length.toString(16)}\r\n${review}\r\n0\r\n\r\n`);
      await waitFor(() => client.received.includes(`"code":${code}`));
      client[Symbol.dispose]();
    }
  });

  test('another path is 404, any method will do', async (context) => {
    const { server, post } = await startHook(context);
    for (const path of ['/', '/hook/', '/hookx', '/HOOK'])
      assert.equal((await postReview(server.address, path, reviewOf(REQUEST))).httpStatus, 404, path);
    assert.equal((await postReview(server.address, '/hook?timeout=10s', reviewOf(REQUEST))).httpStatus, 200);
    for (const method of ['GET', 'PUT'])
      assert.equal((await post(reviewOf(REQUEST), { method })).review?.response.allowed, true);
  });
});

describe('the time of an answer', () => {
  test('is 9 s, before an API server leaves: then the handler is aborted and the request ends with 504', async (context) => {
    const clock = new ManualClock();
    let reason: unknown;
    const { post, seen, logged } = await startHook(context, {
      clock,
      handle: async (_request, signal) => {
        await once(signal, 'abort');
        reason = signal.reason;
        throw reason;
      },
    });
    const late = post(reviewOf(REQUEST));
    await waitFor(() => seen.length === 1);
    clock.advance(9000);
    assert.equal((await late).httpStatus, 504);
    assert.match(String(reason), /no answer within 9000 ms/);
    assert.equal(logged.length, 1);
    assert.equal(clock.pending, 0);
  });

  test('ends for a handler that does not heed its signal, too', async (context) => {
    const clock = new ManualClock();
    const door = gate();
    const { post, seen } = await startHook(context, {
      clock,
      handle: async () => {
        await door.passed;
        return { allowed: true };
      },
    });
    const late = post(reviewOf(REQUEST));
    await waitFor(() => seen.length === 1);
    clock.advance(9000);
    assert.equal((await late).httpStatus, 504);
    door.open();
  });

  test('ends when the client leaves', async (context) => {
    const ended = Promise.withResolvers<unknown>();
    const { post, seen, logged } = await startHook(context, {
      handle: async (_request, signal) => {
        await once(signal, 'abort');
        ended.resolve(signal.reason);
        throw signal.reason;
      },
    });
    const controller = new AbortController();
    const left = assert.rejects(post(reviewOf(REQUEST), { signal: controller.signal }));
    await waitFor(() => seen.length === 1);
    controller.abort();
    await left;
    assert.match(String(await ended.promise), /client closed/);
    assert.deepEqual(logged, []);
  });
});

test('only as many bodies are in memory as have room; the others wait unread', async (context) => {
  let atOnce = 0;
  let most = 0;
  const { post } = await startHook(context, {
    limits: { bodyBytes: 7 * 1024 * 1024 },
    handle: async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      return { allowed: true };
    },
  });
  const object = 'x'.repeat(3 * 1024 * 1024);
  const answers = Array.from({ length: 8 }, () => post(reviewOf({ ...REQUEST, object })));
  for (const { review } of await Promise.all(answers)) assert.equal(review?.response.allowed, true);
  assert.equal(most <= 2, true);
});

test('only as many values are in memory as have room, and a review that has more alone is refused', async (context) => {
  let atOnce = 0;
  let most = 0;
  const { post } = await startHook(context, {
    limits: { decodedBytes: 256 * 1024 },
    handle: async () => {
      most = Math.max(most, (atOnce += 1));
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      return { allowed: true };
    },
  });
  const review = (values: number) =>
    post(reviewOf({ ...REQUEST, object: Array.from({ length: values }, () => ({})) }));
  for (const { review: answer } of await Promise.all(Array.from({ length: 8 }, () => review(450))))
    assert.equal(answer?.response.allowed, true);
  assert.equal(most, 2);
  assert.deepEqual((await review(1100)).review?.response.status, {
    code: 413,
    message: 'expected a review with fewer values, which takes less memory',
  });
  assert.equal((await review(450)).review?.response.allowed, true);
});

describe('the certificate', () => {
  test('is exchanged for new connections, while open ones go on with theirs', async (context) => {
    const { server, post } = await startHook(context);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    context.after(() => agent.destroy());
    const serial = (): string => {
      const [socket] = Object.values(agent.freeSockets)[0] ?? [];
      return (socket as TLSSocket).getPeerCertificate().serialNumber;
    };
    await post(reviewOf(REQUEST), { agent });
    const before = serial();
    const next = await createAuthority('next', YEAR);
    server.useCertificate(await issueCertificate(next, NAMES, YEAR));
    await post(reviewOf(REQUEST), { agent });
    assert.equal(serial(), before);
    await assert.rejects(post(reviewOf(REQUEST)), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    assert.equal((await post(reviewOf(REQUEST), { ca: next.certificate })).httpStatus, 200);
  });

  test('that does not belong to its key is refused, and the one before stays', async (context) => {
    const { server, post } = await startHook(context);
    const wrong: KeyPair = { certificate: certificate.certificate, key: authority.key };
    const isRefused = (error: Error & { code?: string }): boolean =>
      error.code === 'TLS_FILES_INVALID' && !/PRIVATE/.test(error.message);
    assert.throws(() => server.useCertificate(wrong), isRefused);
    assert.equal((await post(reviewOf(REQUEST))).httpStatus, 200);
  });

  test('is not given to a client with TLS 1.1, also after an exchange', async (context) => {
    const { server } = await startHook(context);
    const { port } = server.address;
    const version = async (maxVersion: 'TLSv1.1' | 'TLSv1.2'): Promise<string> => {
      const options = { port, maxVersion, minVersion: 'TLSv1', rejectUnauthorized: false } as const;
      // OpenSSL itself refuses old versions at its default level of security.
      const socket = connectTls({ ...options, host: '127.0.0.1', ciphers: 'DEFAULT@SECLEVEL=0' });
      try {
        await once(socket, 'secureConnect');
        return socket.getProtocol() ?? '';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? '';
      } finally {
        socket.destroy();
      }
    };
    for (const _ of ['before', 'after']) {
      assert.equal(await version('TLSv1.2'), 'TLSv1.2');
      assert.equal(await version('TLSv1.1'), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
      server.useCertificate(certificate);
    }
  });
});

describe('a slow or wrong client', () => {
  test('that sends half a review is cut off, and takes no memory any more', async (context) => {
    const client = { ...WEBHOOK_LIMITS.client, requestMs: 500, checkMs: 20 };
    const { server, post, logged } = await startHook(context, {
      limits: { client, bodyBytes: 7 * 1024 },
    });
    const slow = await connectRaw(`https://127.0.0.1:${server.address.port}`);
    await slow.send('POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 7000\r\n\r\n{');
    await waitFor(() => slow.isOver);
    const object = 'x'.repeat(6000);
    assert.equal((await post(reviewOf({ ...REQUEST, object }))).httpStatus, 200);
    assert.deepEqual(logged, []);
  });

  test('that does not speak HTTP is answered with 400', async (context) => {
    const { server } = await startHook(context);
    const client = await connectRaw(`https://127.0.0.1:${server.address.port}`);
    await client.send('nonsense\r\n\r\n');
    await waitFor(() => client.isOver);
    assert.match(client.received, /^HTTP\/1\.1 400 Bad Request/);
  });

  test('that does not wait for its answer before the next request is cut off', async (context) => {
    const door = gate();
    const { server, seen, post } = await startHook(context, {
      handle: async () => {
        await door.passed;
        return { allowed: true };
      },
    });
    const client = await connectRaw(`https://127.0.0.1:${server.address.port}`);
    const body = JSON.stringify(reviewOf(REQUEST));
    const request = `POST /hook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    await client.send(request.repeat(20));
    await waitFor(() => client.isOver);
    assert.equal(client.received, '');
    assert.ok(seen.length <= 1);
    door.open();
    assert.equal((await post(reviewOf(REQUEST))).httpStatus, 200);
  });

  test('beyond the limit of connections is closed at once', async (context) => {
    const { server, post } = await startHook(context, { limits: { connections: 2 } });
    const { port } = server.address;
    const [first, second, third] = [0, 1, 2].map(() => connect({ host: '127.0.0.1', port }));
    await once(third ?? assert.fail(), 'close');
    first?.destroy();
    second?.destroy();
    await waitFor(async () => (await post(reviewOf(REQUEST))).httpStatus === 200);
  });
});

test('a close lets the running answers end and then refuses clients; nothing is left behind', async (context) => {
  await assertNoLeaks(async () => {
    const door = gate();
    const agent = new Agent({ keepAlive: true });
    const { server, post, seen } = await startHook(context, {
      handle: async () => {
        await door.passed;
        return { allowed: true };
      },
    });
    const running = post(reviewOf(REQUEST), { agent });
    await waitFor(() => seen.length === 1);
    const closed = server.close();
    door.open();
    const { review, headers } = await running;
    assert.deepEqual([review?.response.allowed, headers.connection], [true, 'close']);
    await closed;
    await assert.rejects(post(reviewOf(REQUEST)), { code: 'ECONNREFUSED' });
    agent.destroy();
  });
});

test('a retired server answers on, and ends each connection with its next answer', async (context) => {
  const { server, post } = await startHook(context);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  context.after(() => agent.destroy());
  const connection = async () => (await post(reviewOf({}), { agent })).headers.connection;
  assert.equal(await connection(), 'keep-alive');
  server.retire();
  assert.deepEqual([await connection(), await connection()], ['close', 'close']);
});
