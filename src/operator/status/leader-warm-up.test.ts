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
import { OWNER_ANNOTATION } from '../cluster/marks.ts';
import type { RegistryConfigObject, StatefulSet } from '../cluster/resources.ts';
import type { CacheStats } from './cache-stats.ts';
import { conditionsOf } from './findings.ts';
import { createLeaderWarmUp } from './leader-warm-up.ts';

const KEY = 'registry-docker-io';
const PUBLISHED = { revision: 'r', specs: new Map(), taken: new Set<string>() };
/** Their content does not matter here. */
const STATE = { missingSecrets: [] } as unknown as KnownCacheState;
const STATS = { requests: 1 } as CacheStats;

const NEW: RegistryConfigObject = {
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryConfig',
  metadata: { namespace: 'team', name: 'hub', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { caches: [{ upstream: 'docker.io' }] },
};

/** The object with the status of the previous leader; `numbers` are those of its cache. */
function withStatus(numbers: { readonly bytesSaved?: number } = {}): RegistryConfigObject {
  const conditions = conditionsOf([], [], { now: 0, generation: 1 });
  const cache = { upstream: 'docker.io', state: 'Serving' as const, ...numbers };
  return { ...NEW, status: { conditions, caches: [cache] } };
}

function setOf(askedBy: string, readyReplicas: number): StatefulSet {
  const annotations = { [OWNER_ANNOTATION]: askedBy };
  const metadata = { namespace: 'larder-system', name: KEY, annotations };
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, status: { readyReplicas } };
}

/** A leader that has just started and knows nothing but these StatefulSets. */
function starting(...sets: readonly StatefulSet[]) {
  const clock = new ManualClock();
  const { store: statefulSets, writer } = createObjectStore<StatefulSet>({ logger: silentLogger });
  writer.replace({ items: sets, resourceVersion: '1' });
  const plan = makePlan({
    objects: [NEW],
    specOf: readConfig,
    existingUpstreams: () => [],
    lastValid: () => [],
    mayAct: () => true,
  });
  const [states, published, nodeProblems] = [
    createCacheStates(),
    createPublishedDocument(),
    createNodeProblems(),
  ];
  const stats = new Map<string, CacheStats>();
  const warmUpMs = createLeaderWarmUp(
    {
      clock,
      watched: { statefulSets },
      planner: { plan: () => plan },
      states,
      stats,
      published,
      nodeProblems,
    },
    { namespace: 'larder-system' },
  );
  return { clock, states, published, nodeProblems, stats, warmUpMs };
}

test('the status of an object stays until its cache is reconciled and has answered, and the document is published', () => {
  const leader = starting(setOf(configId(NEW), 1));
  const object = withStatus({ bytesSaved: 5 });
  const learn = [
    () => leader.states.set(KEY, STATE),
    () => leader.published.set(PUBLISHED),
    () => leader.stats.set(KEY, STATS),
  ];
  for (const one of learn) {
    assert.equal(leader.warmUpMs(object), 30_000);
    one();
  }
  assert.equal(leader.warmUpMs(object), 0);
});

test('the status of an object stays for at most 30 s', () => {
  const { clock, warmUpMs } = starting(setOf(configId(NEW), 1));
  const object = withStatus();
  assert.equal(warmUpMs(object), 30_000);
  clock.advance(29_000);
  assert.equal(warmUpMs(object), 1_000);
  clock.advance(1_000);
  assert.equal(warmUpMs(object), 0);
});

test('an object without a status gets its first one at once', () => {
  assert.equal(starting(setOf(configId(NEW), 1)).warmUpMs(NEW), 0);
});

test('a cache that does not exist, or belongs to another object, is not waited for', () => {
  for (const sets of [[], [setOf('RegistryConfig team/other', 1)]]) {
    const leader = starting(...sets);
    leader.published.set(PUBLISHED);
    assert.equal(leader.warmUpMs(withStatus({ bytesSaved: 5 })), 0);
  }
});

test('the numbers of a serving cache are waited for if the status had some', () => {
  const isWaiting = (object: RegistryConfigObject, readyReplicas: number): boolean => {
    const leader = starting(setOf(configId(NEW), readyReplicas));
    leader.published.set(PUBLISHED);
    leader.states.set(KEY, STATE);
    return leader.warmUpMs(object) > 0;
  };
  assert.equal(isWaiting(withStatus({ bytesSaved: 5 }), 1), true);
  assert.equal(isWaiting(withStatus({ bytesSaved: 5 }), 0), false);
  assert.equal(isWaiting(withStatus(), 1), false);
});

test('a reason why the document cannot be published counts as known, and is reported at once', () => {
  const leader = starting();
  assert.equal(leader.warmUpMs(withStatus()), 30_000);
  leader.nodeProblems.set(new Map([['docker.io', 'no more room']]));
  assert.equal(leader.warmUpMs(withStatus()), 0);
});
