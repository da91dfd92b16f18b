import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { trustedTimes, WebhookFleet, type Replica } from '../../../test/gardener/webhook-fleet.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test('in 40 days with two replicas a client that trusts the registered bundle alone connects at every step', async () => {
  await using fleet = new WebhookFleet();
  await fleet.createNamespace();
  const start = fleet.clock.now();
  let a = await fleet.open('a');
  await fleet.pass(100_000);
  let b = await fleet.open('b');
  await fleet.lead(a);
  const witness = new Witness(fleet);
  for (let step = 1; fleet.clock.now() < start + 42 * DAY; step += 1) {
    await fleet.pass(stepAt(fleet.clock.now() - start));
    // Leaders change, also in the middle of a rotation, and replicas are replaced.
    if (step % 17 === 0) [a, b] = [b, a];
    if (step % 17 === 0) await fleet.lead(a);
    if (step % 71 === 0) {
      await b.stop();
      b = await fleet.open(`b${step}`);
    }
    await witness.check();
  }
  assert.deepEqual(witness.failures, []);
  assert.deepEqual([witness.bundles, witness.certificates], [5, 3], 'two rotations with overlap');
  assert.ok(witness.connections > 150, `${witness.connections} connections`);
});

/** Two minutes around the start of a rotation and its end, after each 20 days. Up to 12 hours between them, and no further than the next start. */
function stepAt(ageMs: number): number {
  const age = ageMs % (20 * DAY);
  const next = EVENTS.find(({ until }) => age < until) ?? { from: 20 * DAY };
  return age >= next.from ? 2 * MINUTE : Math.min(12 * HOUR, next.from - age);
}

const EVENTS = [
  { from: 0, until: HOUR },
  { from: DAY, until: DAY + HOUR },
  { from: 20 * DAY - 2 * HOUR, until: 20 * DAY },
];

/**
 * A client that trusts the registered bundle, and nothing else. It connects to all replicas, and expects that the bundles of the last two
 * minutes trust what it sees, because API servers learn of a new one with delay.
 */
class Witness {
  readonly failures: string[] = [];
  connections = 0;
  readonly #fleet: WebhookFleet;
  readonly #bundles = new Set<string>();
  readonly #certificates = new Set<string>();
  readonly #times = new Map<string, ReturnType<typeof trustedTimes>>();
  readonly #seen = new Map<
    Replica,
    { readonly at: number; readonly exchanges: number; readonly certificate: X509Certificate }
  >();
  #history: { readonly at: number; readonly bundle: string }[] = [];

  constructor(fleet: WebhookFleet) {
    this.#fleet = fleet;
  }

  get bundles(): number {
    return this.#bundles.size;
  }

  get certificates(): number {
    return this.#certificates.size;
  }

  async check(): Promise<void> {
    const now = this.#fleet.clock.now();
    const bundle = (await this.#fleet.registeredBundle()) ?? '';
    this.#bundles.add(bundle);
    if (bundle !== this.#history.at(-1)?.bundle) this.#history.push({ at: now, bundle });
    while ((this.#history[1]?.at ?? Infinity) <= now - 2 * MINUTE) this.#history.shift();
    for (const replica of this.#fleet.replicas) {
      const certificate = await this.#certificateOf(replica, now);
      const isTrusted = this.#history.every((one) => this.#isTrusted(certificate, one.bundle, now));
      if (!isTrusted || !replica.webhooks.isServing())
        this.failures.push(`${replica.name} at ${new Date(now).toISOString()}`);
    }
  }

  /** Connects if the replica has another certificate, and every two hours. */
  async #certificateOf(replica: Replica, now: number): Promise<X509Certificate> {
    const last = this.#seen.get(replica);
    const { exchanges } = replica;
    if (last !== undefined && last.exchanges === exchanges && now < last.at + 2 * HOUR)
      return last.certificate;
    const certificate = await replica.connect();
    this.connections += 1;
    this.#certificates.add(certificate.fingerprint256);
    this.#seen.set(replica, { at: now, exchanges, certificate });
    return certificate;
  }

  #isTrusted(certificate: X509Certificate, bundle: string, now: number): boolean {
    const id = `${certificate.fingerprint256} ${bundle}`;
    const times = this.#times.get(id) ?? trustedTimes(certificate, bundle);
    this.#times.set(id, times);
    return times.some(({ from, until }) => from <= now && now < until);
  }
}
