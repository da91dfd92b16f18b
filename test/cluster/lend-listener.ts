/**
 * Run with an IPC channel, `lend-listener.ts ADDRESS PORT`: listens there and hands the listener to its parent, for whom it
 * stays in the network of the process that opened it, wherever the parent is itself.
 */
import { createServer } from 'node:net';

const [address, port] = process.argv.slice(2);
const server = createServer().listen(Number(port), address, () => {
  process.send!('a listener', server, {}, () => process.disconnect());
});
process.once('disconnect', () => server.close());
