/** A process that forwards connections to a port of this machine, its first argument, with a backlog of one connection. */
import { connect, createServer, type AddressInfo } from 'node:net';

const server = createServer((inbound) => {
  const outbound = connect(Number(process.argv[2]), '127.0.0.1');
  inbound.on('error', () => outbound.destroy());
  outbound.on('error', () => inbound.destroy());
  inbound.pipe(outbound).pipe(inbound);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  console.log(`listens on ${(server.address() as AddressInfo).port}`);
});
