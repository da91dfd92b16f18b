import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { untilAborted } from '../../src/kit/abort.ts';
import { OPERATION } from '../../src/gardener/extensions/extension-facts.ts';
import { gate, waitFor } from '../kit/wait.ts';
import { startExtensionWorld, type ReplicaOptions } from './extension-world.ts';
import { IN_EXTENSIONS } from './gardenlet.ts';
import { createScriptedActuator } from './scripted-actuator.ts';

const SHOOT = 'shoot--p--s';
const CACHE = 'registry-cache';
const FAILED = { status: { lastOperation: { state: 'Failed' } } };
const RETRIED = { status: { lastOperation: { state: 'Processing' } } };

/** A shoot namespace, and a replica that leads. */
async function setUp(options: Partial<ReplicaOptions> & { readonly cluster?: boolean } = {}) {
  const world = await startExtensionWorld();
  const actuator = createScriptedActuator();
  world.gardenlet.createShoot(SHOOT, { cluster: options.cluster ?? true });
  const replica = world.start({ actuator, ...options });
  replica.lead();
  const find = () => world.gardenlet.find(SHOOT, CACHE);
  const one = {
    ...world,
    actuator,
    replica,
    find,
    operation: () => find()?.metadata.annotations?.[OPERATION],
    /** Last operation: `Create/Succeeded`. */
    last() {
      const { type, state } = find()?.status?.lastOperation ?? {};
      return type === undefined ? undefined : `${type}/${state}`;
    },
    idle: () => world.until(() => world.isIdle(), 'idle replicas'),
    /** Waits until the last operation is `state` and nothing is worked on. */
    reaches: (state: string) => world.until(() => one.last() === state && world.isIdle(), state),
    apply: (providerConfig: unknown = {}) => world.gardenlet.apply(SHOOT, { type: CACHE, providerConfig }),
    request: (operation: string) => world.gardenlet.annotate(SHOOT, CACHE, operation),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
  return one;
}

describe('a Cluster', () => {
  test('that comes late is waited for, and nothing is written meanwhile', async () => {
    await using one = await setUp({ cluster: false });
    one.apply();
    await one.idle();
    assert.deepEqual([one.operation(), one.find()?.status, one.actuator.calls], ['reconcile', undefined, []]);
    one.gardenlet.putCluster(SHOOT);
    await one.reaches('Create/Succeeded');
    assert.deepEqual(one.actuator.calls, ['reconcile']);
  });

  test('that comes wakes no Extension without work', async () => {
    await using one = await setUp();
    one.apply();
    await one.idle();
    const { reconciles } = one.replica;
    one.gardenlet.deleteCluster(SHOOT);
    await one.idle();
    one.gardenlet.putCluster(SHOOT);
    await one.idle();
    assert.equal(one.replica.reconciles, reconciles);
  });

  test('is not needed to delete', async () => {
    await using one = await setUp();
    one.apply();
    await one.idle();
    one.gardenlet.deleteCluster(SHOOT);
    one.gardenlet.delete(SHOOT, CACHE);
    await one.until(() => one.find() === undefined, 'a deletion');
    assert.deepEqual(one.actuator.calls, ['reconcile', 'delete']);
  });

  test('is read once in an operation, and again in the next', async () => {
    await using one = await setUp();
    one.actuator.script = async ({ cluster }) => {
      assert.equal(await cluster(), await cluster());
    };
    one.apply();
    await one.idle();
    one.request('reconcile');
    await one.idle();
    assert.equal(one.api.requestsOf('get').filter(({ path }) => path.includes('/clusters/')).length, 2);
  });
});

describe('an Extension of a failed Shoot', () => {
  test('is left alone with its request, until gardenlet asks again', async () => {
    await using one = await setUp();
    one.gardenlet.patchShoot(SHOOT, FAILED);
    one.apply();
    await one.idle();
    assert.deepEqual([one.operation(), one.find()?.status], ['reconcile', undefined]);
    one.gardenlet.patchShoot(SHOOT, RETRIED);
    one.apply();
    await one.reaches('Create/Succeeded');
  });

  test('can be deleted, and deleted by force', async () => {
    for (const [annotations, method] of [
      [{}, 'delete'],
      [{ 'confirmation.gardener.cloud/force-deletion': '1' }, 'forceDelete'],
    ] as const) {
      await using one = await setUp();
      one.apply();
      await one.idle();
      one.gardenlet.patchShoot(SHOOT, { ...FAILED, metadata: { annotations } });
      one.gardenlet.delete(SHOOT, CACHE);
      await one.until(() => one.find() === undefined, 'a deletion');
      assert.deepEqual(one.actuator.calls, ['reconcile', method]);
    }
  });
});

describe('an operation', () => {
  test('gets the spec that is reported as observed, also if it changes meanwhile', async () => {
    await using one = await setUp();
    one.actuator.script = ({ extension }) => {
      if (one.actuator.calls.length > 1) return;
      assert.deepEqual(extension.spec?.providerConfig, { size: 1 });
      one.gardenlet.patchExtension(SHOOT, CACHE, { spec: { providerConfig: { size: 2 } } });
    };
    one.apply({ size: 1 });
    await one.idle();
    const { metadata, status } = one.find() ?? {};
    assert.deepEqual([metadata?.generation, status?.observedGeneration], [2, 1]);
  });

  test('is followed by another if gardenlet asks while it goes on', async () => {
    await using one = await setUp();
    one.actuator.script = () => {
      if (one.actuator.calls.length === 1) one.apply({ size: 2 });
    };
    one.apply({ size: 1 });
    await one.idle();
    assert.deepEqual(one.actuator.calls, ['reconcile', 'reconcile']);
    assert.deepEqual([one.last(), one.operation()], ['Reconcile/Succeeded', undefined]);
    assert.equal(one.find()?.status?.observedGeneration, 2);
  });

  test('never begins with a request that has changed since it was read', async () => {
    await using one = await setUp({
      wrap: (client) => ({
        ...client,
        async mergePatch(...parameters) {
          if (one.operation() === 'reconcile') one.request('migrate');
          return client.mergePatch(...parameters);
        },
      }),
    });
    one.apply();
    await one.reaches('Migrate/Succeeded');
    assert.deepEqual(one.actuator.calls, ['migrate']);
    assert.equal(one.operation(), undefined);
  });

  test('that takes three minutes is aborted, reported and repeated', async () => {
    await using one = await setUp();
    const begun = gate();
    one.actuator.script = async ({ signal }) => {
      begun.open();
      if (one.actuator.calls.length === 1) await untilAborted(new Promise(() => {}), signal);
    };
    one.apply();
    await begun.passed;
    one.clock.advance(179_999);
    assert.equal(one.last(), 'Create/Processing');
    one.clock.advance(1);
    await one.reaches('Create/Error');
    assert.match(one.find()?.status?.lastError?.description ?? '', /took more than 180000 ms/);
    await one.reaches('Create/Succeeded');
    assert.equal(one.find()?.status?.lastError, undefined);
  });

  test('that fails is repeated after 5 ms, 10 ms and so on, and after a success from the beginning', async () => {
    await using one = await setUp();
    let failures = 3;
    one.actuator.script = () => {
      if (failures-- > 0) throw new Error('not yet');
    };
    const waits: number[] = [];
    const run = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left -= 1) {
        await one.idle();
        const calls = one.actuator.calls.length;
        let waited = 0;
        while (one.isIdle() && one.actuator.calls.length === calls) {
          one.clock.advance(1);
          waited += 1;
        }
        waits.push(waited);
      }
      await one.idle();
    };
    one.apply();
    await run(3);
    assert.equal(one.last(), 'Create/Succeeded');
    failures = 1;
    one.request('reconcile');
    await run(1);
    assert.equal(one.last(), 'Reconcile/Succeeded');
    assert.deepEqual(waits, [5, 10, 20, 5]);
  });

  test('that fails to migrate or to restore waits for its back-off as well', async () => {
    for (const operation of ['migrate', 'restore']) {
      await using one = await setUp();
      one.apply();
      await one.idle();
      one.actuator.script = () => {
        throw new Error('never');
      };
      one.request(operation);
      await one.idle();
      assert.deepEqual(one.actuator.calls, ['reconcile', operation]);
      assert.equal(one.operation(), operation);
    }
  });

  test('continues although its failure cannot be reported', async () => {
    await using one = await setUp();
    one.actuator.script = () => {
      if (one.actuator.calls.length > 1) return;
      one.api.faults.add({ verb: 'patch', fault: { kind: 'status', status: 500 } });
      throw new Error('not yet');
    };
    one.apply();
    await one.reaches('Create/Succeeded');
    assert.deepEqual(one.actuator.calls, ['reconcile', 'reconcile']);
  });

  test('of another Extension goes on while one takes long', async () => {
    await using one = await setUp();
    const end = gate();
    one.actuator.script = ({ extension }) =>
      extension.metadata.namespace === SHOOT ? end.passed : undefined;
    one.apply();
    one.gardenlet.createShoot('shoot--p--t');
    one.gardenlet.apply('shoot--p--t', { type: CACHE });
    const other = () => one.gardenlet.find('shoot--p--t', CACHE)?.status?.lastOperation?.state;
    await one.until(() => other() === 'Succeeded', 'the other');
    assert.equal(one.last(), 'Create/Processing');
    end.open();
    await one.reaches('Create/Succeeded');
  });
});

describe('a migration', () => {
  test('that has failed goes on, whatever is asked for meanwhile', async () => {
    for (const operation of ['reconcile', 'rotate']) {
      await using one = await setUp();
      one.apply();
      await one.idle();
      one.actuator.script = () => {
        throw new Error('not yet');
      };
      one.request('migrate');
      await one.reaches('Migrate/Error');
      one.actuator.script = () => {};
      one.request(operation);
      await one.reaches('Migrate/Succeeded');
      assert.deepEqual(one.find()?.metadata.finalizers ?? [], []);
      // Nobody has asked for what is unknown, and nobody takes it off.
      assert.equal(one.operation(), operation === 'reconcile' ? undefined : operation);
      assert.deepEqual(new Set(one.actuator.calls), new Set(['reconcile', 'migrate']));
    }
  });
});

describe('after a restore', () => {
  test('no reconcile runs by itself', async () => {
    await using one = await setUp();
    one.gardenlet.apply(SHOOT, { type: CACHE, operation: 'wait-for-state' });
    await one.idle();
    assert.equal(one.last(), undefined);
    one.request('restore');
    await one.idle();
    assert.deepEqual(one.actuator.calls, ['restore']);
    assert.deepEqual([one.last(), one.operation()], ['Restore/Succeeded', undefined]);
  });

  test('a reconcile that was requested meanwhile does run', async () => {
    await using one = await setUp();
    one.actuator.script = (_, method) => {
      if (method === 'restore') one.request('reconcile');
    };
    one.gardenlet.apply(SHOOT, { type: CACHE, operation: 'restore' });
    await one.reaches('Reconcile/Succeeded');
    assert.deepEqual(one.actuator.calls, ['restore', 'reconcile']);
    assert.equal(one.operation(), undefined);
  });
});

describe('an unknown operation', () => {
  test('on a new Extension stays where it is, beside the first reconcile', async () => {
    await using one = await setUp();
    one.gardenlet.apply(SHOOT, { type: CACHE, operation: 'rotate' });
    await one.idle();
    assert.deepEqual([one.last(), one.operation()], ['Create/Succeeded', 'rotate']);
    one.request('explode');
    await one.idle();
    assert.deepEqual(one.actuator.calls, ['reconcile']);
  });
});

describe('the provider status', () => {
  test('is visible in the middle of an operation, and stays after a failure', async () => {
    await using one = await setUp();
    const statusNow = () => one.find()?.status?.providerStatus;
    one.actuator.script = async ({ publish }) => {
      await publish({ caches: [] });
      assert.deepEqual([statusNow(), one.last()], [{ caches: [] }, 'Create/Processing']);
      if (one.actuator.calls.length === 1) throw new Error('afterwards');
    };
    one.apply();
    await one.idle();
    assert.deepEqual([statusNow(), one.last()], [{ caches: [] }, 'Create/Error']);
    await one.reaches('Create/Succeeded');
  });
});

describe('a deleted Extension', () => {
  test('that was migrated but kept its finalizer is released without any work', async () => {
    await using one = await setUp();
    one.apply();
    await one.idle();
    const lastOperation = { ...one.find()?.status?.lastOperation, type: 'Migrate' };
    one.gardenlet.patchExtension(SHOOT, CACHE, { status: { lastOperation } });
    one.gardenlet.delete(SHOOT, CACHE);
    await one.until(() => one.find() === undefined, 'a deletion');
    assert.deepEqual(one.actuator.calls, ['reconcile']);
  });

  test('is handled once although another finalizer keeps it', async () => {
    await using one = await setUp();
    one.apply();
    await one.idle();
    const finalizers = [...(one.find()?.metadata.finalizers ?? []), 'example.com/other'];
    one.gardenlet.patchExtension(SHOOT, CACHE, { metadata: { finalizers } });
    one.gardenlet.delete(SHOOT, CACHE);
    await one.idle();
    assert.deepEqual(one.actuator.calls, ['reconcile', 'delete']);
    assert.deepEqual(one.find()?.metadata.finalizers, ['example.com/other']);
  });

  test('of the same name as a new one is not mistaken for it', async () => {
    await using one = await setUp();
    one.actuator.script = () => {
      if (one.actuator.calls.length > 1) return;
      one.gardenlet.remove(SHOOT, CACHE);
      one.gardenlet.apply(SHOOT, { type: CACHE });
    };
    one.apply();
    await one.until(() => one.actuator.calls.length === 2 && one.isIdle(), 'a second reconcile');
    assert.equal(one.operation(), undefined);
  });
});

describe('when nobody has to ask', () => {
  const options = { ignoreOperationAnnotation: true };

  test('a changed spec is carried out at once, and everything once after a start', async () => {
    await using one = await setUp(options);
    one.apply({ size: 1 });
    await one.idle();
    one.gardenlet.patchExtension(SHOOT, CACHE, { spec: { providerConfig: { size: 2 } } });
    await one.idle();
    assert.deepEqual(one.actuator.calls, ['reconcile', 'reconcile']);
    await one.replica.stop();
    one.start({ actuator: one.actuator, ...options }).lead();
    await one.idle();
    assert.deepEqual(one.actuator.calls, ['reconcile', 'reconcile', 'reconcile']);
  });

  test('requests count all the same, and no reconcile follows a restore', async () => {
    await using one = await setUp(options);
    one.gardenlet.apply(SHOOT, { type: CACHE, operation: 'wait-for-state' });
    await one.idle();
    one.request('restore');
    await one.idle();
    assert.deepEqual(one.actuator.calls, ['restore']);
  });
});

describe('a mirror', () => {
  test('is confirmed whatever its configuration says, one at a time and only when gardenlet asks', async () => {
    await using one = await setUp({ ignoreOperationAnnotation: true });
    one.gardenlet.apply(SHOOT, { type: 'registry-mirror', providerConfig: { broken: true } });
    await one.idle();
    one.gardenlet.patchExtension(SHOOT, 'registry-mirror', { spec: { providerConfig: null } });
    await one.idle();
    const { metadata, status } = one.gardenlet.find(SHOOT, 'registry-mirror') ?? {};
    assert.deepEqual([metadata?.generation, status?.observedGeneration], [2, 1]);
    assert.deepEqual(one.actuator.calls, []);
  });
});

describe('a watch that breaks', () => {
  const FAULTS = ['cut', 'reset', 'expired', 'forgotten'] as const;

  for (const fault of FAULTS) {
    test(`loses no request that is made meanwhile, nor a deletion: ${fault}`, async () => {
      await using one = await setUp();
      one.apply();
      await one.idle();
      const breakWatches = (): void => {
        if (fault === 'reset') one.api.faults.add({ verb: 'watch', fault: { kind: 'reset' }, times: 3 });
        if (fault === 'expired')
          one.api.faults.add({ verb: 'watch', fault: { kind: 'expired-event' }, times: 2 });
        for (const watch of one.api.watches) watch.cut();
        // The first version after the break is of an object that is not kept.
        one.gardenlet.apply(SHOOT, {
          type: 'shoot-dns-service',
          providerConfig: { at: one.api.store.version },
        });
      };
      const reaches = async (condition: () => boolean, what: string): Promise<void> => {
        await waitFor(
          () => {
            one.replica.watchClock.advance(1000);
            return condition() && one.isIdle();
          },
          { what },
        );
      };

      breakWatches();
      one.request('reconcile');
      if (fault === 'forgotten') one.api.compact();
      await reaches(() => one.last() === 'Reconcile/Succeeded', 'a reconcile');
      breakWatches();
      one.gardenlet.delete(SHOOT, CACHE);
      if (fault === 'forgotten') one.api.compact();
      await reaches(() => one.find() === undefined, 'a deletion');
      assert.deepEqual(one.actuator.calls, ['reconcile', 'reconcile', 'delete']);
      assert.equal(one.replica.watched.extensions.size, 0);
    });
  }
});

test('objects of other types and classes are neither kept nor written', async () => {
  await using one = await setUp();
  one.gardenlet.apply(SHOOT, { type: 'shoot-dns-service' });
  one.gardenlet.apply(SHOOT, { type: CACHE, name: 'garden', class: 'garden' });
  await one.idle();
  assert.equal(one.replica.watched.extensions.size, 0);
  assert.equal(one.api.requestsOf('patch').length, 0);
  assert.equal(one.api.store.list(IN_EXTENSIONS, SHOOT).length, 2);
});
