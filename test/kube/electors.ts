/** Electors on machines of their own, around one API server in memory. */
import { ManualClock } from '../../src/kit/clock.ts';
import { isLarderError } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetrics, type Metrics } from '../../src/kit/metrics.ts';
import { createElector } from '../../src/kube/leader-election/elector.ts';
import type { Leadership } from '../../src/kube/leader-election/leadership.ts';
import { LEASES, type Lease } from '../../src/kube/leader-election/lease.ts';
import { createMachine, type Machine } from './machine.ts';
import { createMemoryKube, type MemoryClient, type MemoryKube } from './memory-kube.ts';

export const LEASE = { namespace: 'larder-system', name: 'larder-operator' };

export interface Candidate {
  readonly name: string;
  readonly machine: Machine;
  /** What it does its work with; undefined as long as it does none. */
  readonly leadership: Leadership | undefined;
  readonly leads: boolean;
  /** How the program has ended. */
  readonly ended: 'stopped' | 'lost' | 'failed' | undefined;
  /** SIGTERM. Its work takes `workMs` to end, and fails where told to. */
  stop(workMs?: number, outcome?: 'fails'): void;
}

export interface World {
  readonly clock: ManualClock;
  readonly kube: MemoryKube;
  /** The lease as it stands; undefined when there is none. */
  lease(): Promise<Lease | undefined>;
  /** Straight to the server, whatever is wrong with the networks. */
  readonly direct: MemoryClient;
  start(name: string, skewMs?: number): Candidate;
  /** Lets `ms` pass in steps, and lets everybody act after each. */
  pass(ms: number, afterEach?: () => void): Promise<void>;
}

const STEP_MS = 250;

export function createWorld(random: () => number = () => 0.5, metrics = createMetrics()): World {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const direct = kube.client();
  return {
    clock,
    kube,
    direct,
    lease: () => direct.get(LEASES, LEASE, { signal: new AbortController().signal }).catch(() => undefined),
    start(name, skewMs = 0) {
      const machine = createMachine(clock, skewMs);
      return startCandidate(name, machine, { kube, random, metrics });
    },
    async pass(ms, afterEach = () => {}) {
      for (let passed = 0; passed < ms; passed += STEP_MS) {
        clock.advance(Math.min(STEP_MS, ms - passed));
        await new Promise((resolve) => setImmediate(resolve));
        afterEach();
      }
    },
  };
}

interface Shared {
  readonly kube: MemoryKube;
  readonly metrics: Metrics;
  readonly random: () => number;
}

function startCandidate(name: string, machine: Machine, { kube, metrics, random }: Shared): Candidate {
  const stopping = new AbortController();
  let workMs = 0;
  let fails = false;
  let leadership: Leadership | undefined;
  let ended: Candidate['ended'];

  const elector = createElector(
    {
      client: kube.client({ manager: name, network: machine.travel }),
      clock: machine.clock,
      logger: silentLogger,
      metrics,
      random,
    },
    { lease: LEASE, identity: name },
  );
  const work = async (given: Leadership): Promise<void> => {
    leadership = given;
    await new Promise<void>((resolve) => {
      const finish = (): void => void machine.clock.after(workMs, resolve);
      if (stopping.signal.aborted) finish();
      stopping.signal.addEventListener('abort', finish, { once: true });
      given.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    leadership = undefined;
    if (fails) throw new Error('the work has failed');
  };
  void elector.lead(work, stopping.signal).then(
    () => (ended = 'stopped'),
    (error: unknown) => {
      ended = isLarderError(error, 'LEADERSHIP_LOST') ? 'lost' : 'failed';
    },
  );

  return {
    name,
    machine,
    get leadership() {
      return leadership;
    },
    get leads() {
      return leadership !== undefined && !leadership.signal.aborted;
    },
    get ended() {
      return ended;
    },
    stop(ms = 0, outcome) {
      workMs = ms;
      fails = outcome === 'fails';
      stopping.abort(new Error('SIGTERM'));
    },
  };
}
