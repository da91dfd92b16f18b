import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { KeyPair } from '../../src/kube/certificates/key-pair.ts';

/** Connects with `ca` to a server that has `pair`. Returns the code of the error, if there is one. */
export async function handshake(pair: KeyPair, ca: string, servername: string): Promise<string | undefined> {
  const server = createServer({ cert: pair.certificate, key: pair.key });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, ca, servername });
  try {
    await once(socket, 'secureConnect');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
    server.close();
    await once(server, 'close');
  }
}
