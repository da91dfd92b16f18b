/**
 * Asks a webhook again and again until its input ends, and then prints the times of the answers in milliseconds as JSON. Runs inside of a lab's
 * network, since what carries bytes there from outside adds 40 ms to a request that is sent in two parts.
 */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { postReview, reviewOf } from '../kube/reviews.ts';

const EVERY_MS = 25;

const [, , port, path = '', caFile = '', requestFile = ''] = process.argv;
const ca = readFileSync(caFile, 'utf8');
const review = reviewOf(JSON.parse(readFileSync(requestFile, 'utf8')) as object);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const address = { host: '127.0.0.1', port: Number(port) };

process.stdin.resume();
const times: number[] = [];
while (!process.stdin.readableEnded) {
  const begin = performance.now();
  const answer = await postReview(address, path, review, { ca, agent });
  times.push(performance.now() - begin);
  if (answer.review?.response.patch === undefined) throw new Error(`no patch in ${answer.text}`);
  await pause(EVERY_MS);
}
agent.destroy();
process.stdout.write(JSON.stringify(times));
