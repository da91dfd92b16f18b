/** A process that passes connections on to a port of this machine, the first argument, with room for one that it has not taken yet. */
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
