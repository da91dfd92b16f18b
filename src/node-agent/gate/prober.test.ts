import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock } from '../../kit/clock.ts';
import { HealthGate } from './health-gate.ts';
import { createProber } from './prober.ts';

test('an open gate is probed every 5 s unless relayed requests are answered, at once on demand, and any other gate faster', async () => {
  const clock = new ManualClock();
  const gate = new HealthGate(clock);
  let probes = 0;
  let isUp = true;
  const prober = createProber(clock, gate, async () => {
    probes += 1;
    if (!isUp) throw new Error('down');
  });
  const stop = new AbortController();
  const running = prober.run(stop.signal);
  const after = async (ms: number, count: number): Promise<void> => {
    await waitFor(() => clock.pending === 1);
    clock.advance(ms);
    await waitFor(() => probes === count && clock.pending === 1, {
      what: `${count} probes, found ${probes}`,
    });
  };

  await after(0, 1);
  assert.equal(gate.state, 'open');
  await after(5_000, 2);
  clock.advance(4_000);
  gate.attempt().succeeded();
  await after(1_000, 2);
  await after(5_000, 3);

  isUp = false;
  prober.probeNow();
  await waitFor(() => gate.state === 'suspect');
  await after(250, 5);
  await after(250, 6);
  assert.equal(gate.state, 'closed');
  await after(1_000, 7);
  isUp = true;
  for (const count of [8, 9, 10]) await after(1_000, count);
  assert.equal(gate.state, 'open');
  stop.abort();
  await running;
  assert.equal(clock.pending, 0);
});
