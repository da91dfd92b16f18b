/** Calls to an API server fail once each, and every time another replica goes on; the end is that of a run without faults. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCachesWorld, type CachesWorld } from './caches-world.ts';
import { failingCalls } from './failing-client.ts';
import { FAST_CERTIFICATES } from './fast-certificates.ts';
import { createNameMask } from './masked-names.ts';
import { recordedSnapshot } from './recorded-snapshot.ts';

const NAMESPACE = 'shoot--p--faults';
const TYPE = 'registry-cache';

function config(...caches: object[]): object {
  return { apiVersion: 'registry.extensions.gardener.cloud/v1alpha3', kind: 'RegistryConfig', caches };
}

const FIRST = config({ upstream: 'docker.io' }, { upstream: 'ghcr.io', http: { tls: false } });
const SECOND = config({ upstream: 'docker.io', serviceNameSuffix: 'b' }, { upstream: 'quay.io' });

type Change = (lab: CachesWorld) => void;

const create = apply(FIRST);
const migrate: Change = ({ world }) => world.gardenlet.annotate(NAMESPACE, TYPE, 'migrate');

/** Changes of an Extension. The last one of each sequence has the fault. */
const SEQUENCES: readonly (readonly [name: string, ...Change[]])[] = [
  ['creation', create],
  ['change', create, apply(SECOND)],
  ['change to no TLS', create, apply(config({ upstream: 'quay.io', http: { tls: false } }))],
  ['RegistryConfigs in the shoot', create, apply({ ...FIRST, registryConfigReplication: { enabled: true } })],
  ['rotation of the authorities', create, rotate],
  ['migration', create, migrate],
  ['restoration', create, migrate, ({ world }) => world.gardenlet.annotate(NAMESPACE, TYPE, 'restore')],
  ['deletion', create, ({ world }) => world.gardenlet.delete(NAMESPACE, TYPE)],
];

function rotate(lab: CachesWorld): void {
  const certificateAuthorities = { phase: 'Preparing', lastInitiationTime: '2026-02-01T10:00:00Z' };
  const status = { credentials: { rotation: { certificateAuthorities } } };
  lab.world.gardenlet.patchShoot(NAMESPACE, { status });
  apply(SECOND)(lab);
}

function apply(providerConfig: object): Change {
  return (lab) => lab.world.gardenlet.apply(NAMESPACE, { type: TYPE, providerConfig });
}

for (const [name, ...changes] of SEQUENCES) {
  test(`${name}: whichever call fails, the end is the same`, async (context) => {
    const { state: wanted, calls } = await run(changes);
    for (const fault of ['before', 'after and another replica goes on'] as const) {
      let number = 1;
      for (; ; number += STEP) {
        const { state, hasFailed } = await run(changes, { number, fault });
        if (!hasFailed) break;
        assert.deepEqual(state, wanted, `call ${number}: ${fault}`);
      }
      // Looks that find nothing to do vary in number.
      assert.ok(number > calls - LOOKS, `${number} of ${calls}`);
    }
    context.diagnostic(`${calls} calls`);
  });
}

/** Every second call fails in the heavy lane, which takes half a minute of CPU time; else every tenth. */
const STEP = process.env['LARDER_HEAVY'] === '1' ? 2 : 10;

const LOOKS = 6;

interface PlannedFault {
  /** Number of the call within the last change. */
  readonly number: number;
  readonly fault: 'before' | 'after and another replica goes on';
}

/** Runs changes, the last of which has the fault. */
async function run(
  changes: readonly Change[],
  planned?: PlannedFault,
): Promise<{ readonly state: object; readonly calls: number; readonly hasFailed: boolean }> {
  await using lab = await startCachesWorld({
    namespace: NAMESPACE,
    input: {},
    certificates: FAST_CERTIFICATES,
  });
  const isFatal = planned !== undefined && planned.fault !== 'before';
  let hasFailed = false;
  const failing = failingCalls(() => {
    hasFailed = true;
    if (isFatal) replica.lose();
  });
  const replica = lab.start((client) => failing.wrap(client));
  let before = 0;
  for (const [index, change] of changes.entries()) {
    before = failing.count;
    if (planned !== undefined && index === changes.length - 1)
      failing.fail(before + planned.number, isFatal ? 'after' : 'before');
    lab.world.clock.advance(1000);
    change(lab);
    await lab.settle(() => isDone(lab) || (isFatal && hasFailed));
    if (isFatal && hasFailed) {
      await replica.stop();
      lab.start();
      await lab.settle(() => isDone(lab));
    }
  }
  return { state: stateOf(lab), calls: failing.count - before, hasFailed };
}

/** True if the work is reported as done, and no replica works any more. */
function isDone({ world }: CachesWorld): boolean {
  const { metadata, status } = world.gardenlet.find(NAMESPACE, TYPE) ?? {};
  if (!world.isIdle()) return false;
  if (metadata === undefined) return true;
  const isRequested = metadata.annotations?.['gardener.cloud/operation'] !== undefined;
  const isMigrated = status?.lastOperation?.type !== 'Migrate' || metadata.finalizers === undefined;
  const isOpen = isRequested || metadata.deletionTimestamp !== undefined;
  return status?.lastOperation?.state === 'Succeeded' && !isOpen && isMigrated;
}

/** Everything but times and versions. Secrets that nothing names are left to the garbage collector. */
function stateOf({ world, list, own }: CachesWorld): object {
  const mask = createNameMask();
  const objects = recordedSnapshot({ list, mask, own });
  const { metadata, status } = world.gardenlet.find(NAMESPACE, TYPE) ?? {};
  const { providerStatus, lastError, observedGeneration, lastOperation } = status ?? {};
  const named = JSON.stringify(Object.entries(objects).filter(([key]) => key.startsWith('ManagedResource/')));
  const kept = Object.entries(objects).filter(([key, object]) => {
    const isData = JSON.stringify(object).includes('objects, see the ManagedResource');
    return !isData || named.includes(key.replace('Secret/', ''));
  });
  const extension = mask.apply({
    finalizers: metadata?.finalizers,
    providerStatus,
    lastError,
    observedGeneration,
    state: lastOperation?.state,
  });
  return { extension, objects: Object.fromEntries(kept) };
}
