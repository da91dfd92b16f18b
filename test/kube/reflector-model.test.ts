/**
 * After any faults of the API server and the network the store equals the server, and handlers have received an unbroken story of each
 * object.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { waitFor } from '../kit/wait.ts';
import { anyFault } from './any-fault.ts';
import type { Fault } from './api-faults.ts';
import { startApi, type ApiServer } from './api-server.ts';
import { configMap, IN_CONFIG_MAPS } from './client.ts';
import { startReflecting, type Reflecting } from './reflecting.ts';

type Step =
  | { readonly do: 'put'; readonly name: string; readonly value: string }
  | { readonly do: 'remove'; readonly name: string }
  | { readonly do: 'break'; readonly how: 'cut' | 'end' }
  | {
      readonly do: 'fault';
      readonly verb: 'watch' | 'list';
      readonly fault: Fault;
      readonly times: number;
      readonly isNow: boolean;
    }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'compact' | 'bookmark' | 'tick' | 'settle' };

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 4, arbitrary: anyFault },
  fc.record({
    kind: fc.constant('replay' as const),
    count: fc.integer({ min: 1, max: 6 }),
    isJumbled: fc.boolean(),
  }),
);
const name = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('put' as const), name, value: fc.constantFrom('1', '2', '3') }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('break' as const), how: fc.constantFrom('cut', 'end') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      verb: fc.constantFrom('watch', 'watch', 'list'),
      fault,
      times: fc.integer({ min: 1, max: 3 }),
      isNow: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1000, 30_000, 180_000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('compact', 'bookmark', 'tick', 'settle') }) },
);

for (const streamingLists of [true, false]) {
  test(`property: after any faults the store equals the server, ${streamingLists ? 'with' : 'without'} streaming lists`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        await using api = await startApi({ streamingLists, pageSize: 2 });
        await using it = startReflecting(api);
        for (const one of steps) await take(one, api, it);
        api.faults.clear();
        await recover(api, it);
        assert.deepEqual(it.breaches, []);
        assert.deepEqual(new Set(it.known()), new Set(it.store.list()));
        assert.equal(it.client.clock.pending, 2, 'only the watch is waited for');
      }),
      { numRuns: Number(process.env['LARDER_MODEL_RUNS'] ?? 60) },
    );
  });
}

async function take(one: Step, api: ApiServer, { client }: Reflecting): Promise<void> {
  switch (one.do) {
    case 'put':
      api.put(IN_CONFIG_MAPS, configMap(one.name, { v: one.value }));
      return;
    case 'remove':
      if (api.store.find({ collection: IN_CONFIG_MAPS, namespace: 'default', name: one.name }))
        api.remove(IN_CONFIG_MAPS, one.name, 'default');
      return;
    case 'break':
      for (const watch of api.watches) watch[one.how]();
      return;
    case 'fault':
      api.faults.add(one);
      if (one.isNow) for (const watch of api.watches) watch.cut();
      return;
    case 'pass':
      await settle();
      client.clock.advance(one.ms);
      return settle();
    case 'compact':
      return api.compact();
    case 'bookmark':
      return api.bookmark();
    case 'tick':
      return api.store.tick();
    case 'settle':
      return settle();
  }
}

/** Some turns of the event loop, in which requests and events on loopback make some progress. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}

/** Lets pauses end, and a stalled watch be found, until the store equals the server. */
async function recover(api: ApiServer, it: Reflecting): Promise<void> {
  let looks = 0;
  await waitFor(
    () => {
      looks += 1;
      if (it.isCurrent() && it.client.clock.pending === 2) return true;
      // A request on loopback is answered within some checks. Anything slower waits for time to pass.
      if (looks % 20 === 0) it.client.clock.advance(181_000);
      else if (looks % 5 === 0 && it.client.clock.pending === 1) it.client.clock.advance(30_000);
      return false;
    },
    { what: 'the store to equal the server', everyMs: 2, limitMs: 20_000 },
  );
}
