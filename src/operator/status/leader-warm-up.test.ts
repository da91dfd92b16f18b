import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createObjectStore } from '../../kube/informer/object-store.ts';
import { createCacheStates, type KnownCacheState } from '../caches/cache-states.ts';
import { configId } from '../cluster/config-id.ts';
import { makePlan } from '../configs/plan.ts';
import { readConfig } from '../configs/read-config.ts';
import { createNodeProblems } from '../nodes/node-problems.ts';
import { createPublishedDocument } from '../nodes/published-document.ts';
import { ASKED_BY } from '../cluster/marks.ts';
import type { RegistryConfigObject, StatefulSet } from '../cluster/resources.ts';
import type { CacheStats } from './cache-stats.ts';
import { conditionsOf } from './findings.ts';
import { createLeaderWarmUp } from './leader-warm-up.ts';

const KEY = 'registry-docker-io';
const TOLD = { revision: 'r', specs: new Map() };
/** What they say is of no concern here. */
const FACTS = { missingSecrets: [] } as unknown as KnownCacheState;
const STATS = { requests: 1 } as CacheStats;

const NEW: RegistryConfigObject = {
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryConfig',
  metadata: { namespace: 'team', name: 'hub', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { caches: [{ upstream: 'docker.io' }] },
};

/** With what a former leader said of it; `numbers`: those of its cache, too. */
function toldOf(numbers: { readonly bytesSaved?: number } = {}): RegistryConfigObject {
  const conditions = conditionsOf([], [], { now: 0, generation: 1 });
  const cache = { upstream: 'docker.io', state: 'Serving' as const, ...numbers };
  return { ...NEW, status: { conditions, caches: [cache] } };
}

function setOf(askedBy: string, readyReplicas: number): StatefulSet {
  const annotations = { [ASKED_BY]: askedBy };
  const metadata = { namespace: 'larder-system', name: KEY, annotations };
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, status: { readyReplicas } };
}

/** A leader that has just begun, and knows nothing but these StatefulSets. */
function starting(...sets: readonly StatefulSet[]) {
  const clock = new ManualClock();
  const { store: statefulSets, writer } = createObjectStore<StatefulSet>({ logger: silentLogger });
  writer.replace({ items: sets, resourceVersion: '1' });
  const plan = makePlan({
    objects: [NEW],
    asked: readConfig,
    has: () => [],
    lastValid: () => [],
    mayAct: () => true,
  });
  const [facts, told, nodeProblems] = [createCacheStates(), createPublishedDocument(), createNodeProblems()];
  const stats = new Map<string, CacheStats>();
  const patienceMs = createLeaderWarmUp(
    { clock, watched: { statefulSets }, planner: { plan: () => plan }, facts, stats, told, nodeProblems },
    { namespace: 'larder-system' },
  );
  return { clock, facts, told, nodeProblems, stats, patienceMs };
}

test('what was said of an object stays until its cache was worked on and has answered, and nodes were told', () => {
  const leader = starting(setOf(configId(NEW), 1));
  const object = toldOf({ bytesSaved: 5 });
  const learn = [
    () => leader.facts.set(KEY, FACTS),
    () => leader.told.set(TOLD),
    () => leader.stats.set(KEY, STATS),
  ];
  for (const one of learn) {
    assert.equal(leader.patienceMs(object), 30_000);
    one();
  }
  assert.equal(leader.patienceMs(object), 0);
});

test('what was said of an object stays for 30 s at the most', () => {
  const { clock, patienceMs } = starting(setOf(configId(NEW), 1));
  const object = toldOf();
  assert.equal(patienceMs(object), 30_000);
  clock.advance(29_000);
  assert.equal(patienceMs(object), 1_000);
  clock.advance(1_000);
  assert.equal(patienceMs(object), 0);
});

test('an object of which nothing was said has its first status at once', () => {
  assert.equal(starting(setOf(configId(NEW), 1)).patienceMs(NEW), 0);
});

test('a cache that does not stand, or not on behalf of the object, is not waited for', () => {
  for (const sets of [[], [setOf('RegistryConfig team/other', 1)]]) {
    const leader = starting(...sets);
    leader.told.set(TOLD);
    assert.equal(leader.patienceMs(toldOf({ bytesSaved: 5 })), 0);
  }
});

test('numbers are waited for where there were some, of a cache that serves', () => {
  const isWaiting = (object: RegistryConfigObject, readyReplicas: number): boolean => {
    const leader = starting(setOf(configId(NEW), readyReplicas));
    leader.told.set(TOLD);
    leader.facts.set(KEY, FACTS);
    return leader.patienceMs(object) > 0;
  };
  assert.equal(isWaiting(toldOf({ bytesSaved: 5 }), 1), true);
  assert.equal(isWaiting(toldOf({ bytesSaved: 5 }), 0), false);
  assert.equal(isWaiting(toldOf(), 1), false);
});

test('why nodes cannot be told is known as well, and is said at once', () => {
  const leader = starting();
  assert.equal(leader.patienceMs(toldOf()), 30_000);
  leader.nodeProblems.set(new Map([['docker.io', 'no more room']]));
  assert.equal(leader.patienceMs(toldOf()), 0);
});
