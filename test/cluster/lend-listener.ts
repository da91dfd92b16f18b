/**
 * `lend-listener.ts ADDRESS PORT`, run with an IPC channel: listens there and sends the listener to its parent. The listener stays in the
 * network of the process that opened it, wherever the parent is.
 */
import { createServer } from 'node:net';

const [address, port] = process.argv.slice(2);
const server = createServer().listen(Number(port), address, () => {
  process.send!('a listener', server, {}, () => process.disconnect());
});
process.once('disconnect', () => server.close());
