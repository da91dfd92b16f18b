import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createTestPki, imageOf, startUpstream, waitFor } from '../kit/index.ts';
import { clientOf } from './client.ts';

const MANIFEST = '/v2/app/manifests/v1';

interface TestProxy extends AsyncDisposable {
  readonly url: string;
  /** `CONNECT host:port` and `GET http://...`, with the login. */
  readonly seen: string[];
}

/** A proxy that leads every host to `port` on this machine. */
async function startProxy(port: number): Promise<TestProxy> {
  const seen: string[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    const { pathname } = new URL(request.url ?? '');
    httpRequest({ port, host: '127.0.0.1', path: pathname, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    }).end();
  });
  server.on('connect', (request, client) => {
    seen.push(`CONNECT ${request.url}`);
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(target).pipe(client);
    });
    for (const socket of [client, target])
      socket.on('error', () => {}).on('close', () => (client.destroy(), target.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('an https registry is reached by CONNECT, with its own certificate checked', async () => {
  const pki = createTestPki(['registry.example']);
  await using upstream = await startUpstream({ tls: pki });
  upstream.push('app', imageOf({ layers: [1000] }), 'v1');
  await using proxy = await startProxy(Number(new URL(upstream.url).port));
  const registry = { url: 'https://registry.example', host: 'registry.example', caPem: pki.caPem };
  await using client = clientOf(registry, { env: { HTTPS_PROXY: proxy.url } });
  assert.equal((await client.ask(MANIFEST)).status, 200);
  assert.deepEqual(proxy.seen, ['CONNECT registry.example:443']);
  await using distrustful = clientOf({ ...registry, caPem: undefined }, { env: { HTTPS_PROXY: proxy.url } });
  await assert.rejects(distrustful.ask(MANIFEST), { code: 'UPSTREAM_UNREACHABLE' });
});

test('an http registry is asked for by its whole URL, with the login of the proxy', async () => {
  await using upstream = await startUpstream();
  upstream.push('app', imageOf({ layers: [1000] }), 'v1');
  await using proxy = await startProxy(Number(new URL(upstream.url).port));
  await using client = clientOf(
    { url: 'http://registry.example', host: 'registry.example', caPem: undefined },
    {
      proxy: { httpProxy: proxy.url.replace('//', '//user:hush@') },
      env: { HTTP_PROXY: 'http://unused.invalid' },
    },
  );
  assert.equal((await client.ask(MANIFEST)).status, 200);
  assert.deepEqual(proxy.seen, [
    `GET http://registry.example${MANIFEST} Basic ${Buffer.from('user:hush').toString('base64')}`,
  ]);
});

test('this machine and the hosts of NO_PROXY are reached directly', async () => {
  await using upstream = await startUpstream();
  upstream.push('app', imageOf({ layers: [1000] }), 'v1');
  const { port } = new URL(upstream.url);
  await using proxy = await startProxy(Number(port));
  await using loopback = clientOf(upstream, { env: { HTTP_PROXY: proxy.url } });
  assert.equal((await loopback.ask(MANIFEST)).status, 200);
  assert.deepEqual(proxy.seen, []);
  await using exempt = clientOf(
    { url: `http://registry.example:${port}`, host: 'registry.example', caPem: undefined },
    {
      env: { HTTP_PROXY: proxy.url, NO_PROXY: 'other.example,.example' },
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    },
  );
  assert.equal((await exempt.ask(MANIFEST)).status, 200);
  assert.deepEqual(proxy.seen, []);
});

test('a proxy configured for an upstream on this machine is used', async () => {
  await using upstream = await startUpstream();
  upstream.push('app', imageOf({ layers: [1000] }), 'v1');
  await using proxy = await startProxy(Number(new URL(upstream.url).port));
  await using client = clientOf(upstream, { proxy: { httpProxy: proxy.url } });
  assert.equal((await client.ask(MANIFEST)).status, 200);
  assert.deepEqual(proxy.seen.length, 1);
});

test('a proxy that refuses makes the upstream unreachable, and its password is in no message', async () => {
  const server = createServer().on('connect', (_request, client) => {
    client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using client = clientOf(
    { url: 'https://registry.example', host: 'registry.example', caPem: undefined },
    { proxy: { httpsProxy: `http://user:hush@127.0.0.1:${port}` } },
  );
  await assert.rejects(client.ask(MANIFEST), (error: Error & { code: string }) => {
    assert.equal(error.code, 'UPSTREAM_UNREACHABLE');
    assert.match(error.message, /407/);
    assert.doesNotMatch(error.message, /hush/);
    return true;
  });
  server.closeAllConnections();
  server.close();
  await waitFor(() => !server.listening);
});
