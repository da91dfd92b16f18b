import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { test } from 'node:test';
import { assertNoLeaks, waitFor } from '../../../test/kit/index.ts';
import { ManualClock, systemClock } from '../../kit/clock.ts';
import type { Address } from '../../kit/listen.ts';
import { isReached } from './reach-check.ts';

async function start(server: Server): Promise<Address & AsyncDisposable> {
  server.on('connection', (socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

test('a server is reached at its own address, with TLS or without, as often as it is asked', async () => {
  await assertNoLeaks(async () => {
    for (const server of [createServer(), createTlsServer()]) {
      await using address = await start(server);
      const before = server.listenerCount('connection');
      for (const _ of [1, 2, 3]) assert.equal(await isReached(server, address, systemClock), true);
      const answers = Array.from({ length: 5 }, () => isReached(server, address, systemClock));
      assert.deepEqual(new Set(await Promise.all(answers)), new Set([true]));
      assert.equal(server.listenerCount('connection'), before);
    }
  });
});

test('a server is not reached if another accepts the connection, or none does', async () => {
  const server = createServer();
  const other = createServer();
  await using _address = await start(server);
  let there: Address;
  {
    await using elsewhere = await start(other);
    there = elsewhere;
    const clock = new ManualClock();
    const connected = once(other, 'connection');
    const answer = isReached(server, elsewhere, clock);
    await connected;
    await waitFor(() => clock.pending === 1);
    clock.advance(1000);
    assert.equal(await answer, false);
    assert.equal(clock.pending, 0);
  }
  assert.equal(await isReached(server, there, systemClock), false);
});

test('a process that was busy for longer than the limit still finds the connection that arrived', async () => {
  const server = createServer();
  await using address = await start(server);
  const clock = new ManualClock();
  const answer = isReached(server, address, clock);
  // The timer is due before the sockets are read.
  setTimeout(() => clock.advance(1000), 1);
  const begin = performance.now();
  while (performance.now() < begin + 5);
  assert.equal(await answer, true);
});
