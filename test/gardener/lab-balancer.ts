/**
 * `node test/gardener/lab-balancer.ts PORT` starts a balancer in the network of a lab. Each line on standard input has the replicas to route to from then on,
 * as JSON, and is answered with a line.
 */
import { createInterface } from 'node:readline';
import { startBalancer, type Backend } from './webhook-balancer.ts';

const balancer = await startBalancer(Number(process.argv[2]), []);
for await (const line of createInterface({ input: process.stdin })) {
  balancer.route(JSON.parse(line) as Backend[]);
  process.stdout.write('routed\n');
}
await balancer[Symbol.asyncDispose]();
