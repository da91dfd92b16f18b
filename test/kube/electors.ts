/** Electors on machines of their own, around one API server in memory. */
import { ManualClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import { LEASES, type Lease } from '../../src/kube/leader-election/lease.ts';
import { startCompeting, type Competitor } from './competitor.ts';
import { createMachine, type Machine } from './machine.ts';
import { createMemoryKube, type MemoryClient, type MemoryKube } from './memory-kube.ts';

export const LEASE = { namespace: 'larder-system', name: 'larder-operator' };

export interface Candidate extends Competitor {
  readonly machine: Machine;
}

export interface World {
  readonly clock: ManualClock;
  readonly kube: MemoryKube;
  /** Current lease. Undefined if there is none. */
  lease(): Promise<Lease | undefined>;
  /** Client without a network, whatever the faults. */
  readonly direct: MemoryClient;
  start(name: string, skewMs?: number): Candidate;
  /** Lets `ms` pass in steps, and lets all programs act after each. */
  pass(ms: number, afterEach?: () => void): Promise<void>;
}

const STEP_MS = 250;

export function createWorld(
  random: () => number = () => 0.5,
  metrics = declareKubeMetrics(createMetricsRegistry()),
): World {
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
      const client = kube.client({ manager: name, network: machine.travel });
      const deps = { client, clock: machine.clock, logger: silentLogger, metrics, random };
      return Object.assign(startCompeting(deps, { lease: LEASE, identity: name }), { machine });
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
