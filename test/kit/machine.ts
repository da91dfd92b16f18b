/**
 * Measures how slow the machine is, so that suites on real time scale their limits and sizes. The unit is a quiet machine: two cores that do
 * nothing else.
 */
import { createHash } from 'node:crypto';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

export interface Machine {
  /** 1 on a quiet machine. Work takes this many times as long here. */
  readonly slowness: number;
  /** Milliseconds of which `ms` on a quiet machine remain. A wait of a few ms also gets the lateness of timers. */
  readonly limit: (ms: number) => number;
  /** The part of `bytes` that takes as long here as all of them on a quiet machine; `least` or more. */
  readonly size: (bytes: number, least: number) => number;
}

/** Measures the machine, once per process: a suite calls it before its first test. Takes 0.2 s on a quiet machine. */
export function measureMachine(): Promise<Machine> {
  measured ??= measure().then(machineOf);
  return measured;
}

let measured: Promise<Machine> | undefined;

export interface Measurement {
  /** Milliseconds of the reference pull. */
  readonly pullMs: number;
  /** Milliseconds by which the latest of some timers came late. */
  readonly lateMs: number;
  /** Processes that want a core, per core, over the last minute: what the moment of the pull may miss. */
  readonly load: number;
}

/** The reference pull on the quiet machine: 99 to 113 ms on two cores of an AMD EPYC (Zen 3). */
export const QUIET_PULL_MS = 110;

/** A timer of Node.js counts whole milliseconds. */
const QUIET_LATE_MS = 2;

/** Wake-ups of a request and its answer between client, Larder and upstream. */
const WAKE_UPS = 10;

/** Beyond this a suite fails, rather than run for hours. */
const MOST = 20;

/** Scales by the worst part of a measurement, at most 20 times. */
export function machineOf({ pullMs, lateMs, load }: Measurement): Machine {
  const slowness = Math.min(MOST, Math.max(1, pullMs / QUIET_PULL_MS, load));
  const lateness = WAKE_UPS * Math.max(0, lateMs - QUIET_LATE_MS);
  return {
    slowness,
    limit: (ms) => Math.round(ms * slowness + Math.min(lateness, MOST * ms)),
    size: (bytes, least) => Math.max(least, Math.floor(bytes / slowness)),
  };
}

/** Measures the machine as it is now. */
export async function measure(): Promise<Measurement> {
  const pullMs = await pullReference();
  return { pullMs, lateMs: await latenessOfTimers(), load: loadavg()[0]! / availableParallelism() };
}

/** Enough that the scheduler does not let it pass at once as a short task: 0.1 s of CPU. */
const PULL_BYTES = 32 << 20;
const PART = Buffer.alloc(256 << 10, 0x5a);

/** Pulls a body over loopback and hashes it, server and client in this process. */
async function pullReference(): Promise<number> {
  const server = createServer((_request, response) => {
    let left = PULL_BYTES;
    const send = (): void => {
      for (; left > 0; left -= PART.length) {
        if (response.writableNeedDrain) return void response.once('drain', send);
        response.write(PART);
      }
      response.end();
    };
    send();
  });
  const port = await listen(server);
  try {
    const begin = performance.now();
    const hash = createHash('sha256');
    for await (const part of await answerFrom(port)) hash.update(part as Buffer);
    hash.digest();
    return performance.now() - begin;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function latenessOfTimers(): Promise<number> {
  let latest = 0;
  for (let round = 0; round < 10; round += 1) {
    const begin = performance.now();
    await pause(5);
    latest = Math.max(latest, performance.now() - begin - 5);
  }
  return latest;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function answerFrom(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject).end();
  });
}
