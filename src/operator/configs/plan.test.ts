import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configOf } from '../../../test/cache/target.ts';
import { API_VERSION, KIND } from '../../api/registry-config/schema.ts';
import { MIRROR_API_VERSION, MIRROR_KIND } from '../../api/mirror-config/schema.ts';
import { configId } from '../cluster/config-id.ts';
import { makePlan, type Plan } from './plan.ts';
import { readConfig, type ConfigObject } from './read-config.ts';

interface Made {
  readonly name: string;
  readonly createdAt?: string;
  readonly upstreams: readonly string[];
  readonly kind?: typeof KIND | typeof MIRROR_KIND;
  readonly more?: object;
}

function made({
  name,
  createdAt = '2026-01-01T00:00:00Z',
  upstreams,
  kind = KIND,
  more = {},
}: Made): ConfigObject {
  const spec =
    kind === KIND
      ? { caches: upstreams.map((upstream) => ({ upstream, ...more })) }
      : { mirrors: upstreams.map((upstream) => ({ upstream, hosts: [{ host: 'https://m.example' }] })) };
  return {
    apiVersion: kind === KIND ? API_VERSION : MIRROR_API_VERSION,
    kind,
    metadata: { namespace: 'team', name, creationTimestamp: createdAt },
    spec,
  };
}

function planOf(objects: readonly ConfigObject[], more: Partial<Parameters<typeof makePlan>[0]> = {}): Plan {
  return makePlan({
    objects,
    specOf: readConfig,
    existingUpstreams: () => [],
    lastValid: () => [],
    mayAct: () => true,
    ...more,
  });
}

const owners = (plan: Plan): string[] =>
  [...plan.caches.values()].map(({ key, owner }) => `${key} ${configId(owner)}`).sort();

test('the older object has the upstream, of whichever kind', () => {
  const cache = made({
    name: 'cache',
    createdAt: '2026-01-01T00:00:01Z',
    upstreams: ['quay.io', 'docker.io'],
  });
  const mirror = made({ name: 'mirror', kind: MIRROR_KIND, upstreams: ['quay.io'] });
  const plan = planOf([cache, mirror]);
  assert.deepEqual(owners(plan), ['registry-docker-io RegistryConfig team/cache']);
  assert.deepEqual(
    plan.mirrors.map(({ mirrors }) => mirrors.upstream),
    ['quay.io'],
  );
  assert.deepEqual(plan.conflictsOf(cache), [
    { upstream: 'quay.io', owner: 'MirrorConfig team/mirror', about: 'quay.io' },
  ]);
  assert.deepEqual([...plan.contended], ['registry-quay-io']);
});

test('two upstreams whose objects would have one name are not both cached', () => {
  const first = made({ name: 'a', upstreams: ['a.b.io'] });
  const second = made({ name: 'b', createdAt: '2026-01-01T00:00:01Z', upstreams: ['a-b.io'] });
  const plan = planOf([second, first]);
  assert.deepEqual(owners(plan), ['registry-a-b-io RegistryConfig team/a']);
  assert.equal(plan.conflictsOf(second)[0]?.about, 'registry-a-b-io');
});

test('an object that is being deleted or has no finalizer yet owns its upstreams, and gets no cache', () => {
  const going = made({ name: 'going', upstreams: ['docker.io'] });
  const waiting = made({ name: 'waiting', createdAt: '2026-01-01T00:00:01Z', upstreams: ['docker.io'] });
  const plan = planOf([going, waiting], { mayAct: (object) => object !== going });
  assert.deepEqual(owners(plan), []);
  assert.equal(plan.conflictsOf(waiting).length, 1);
});

test('an object with an invalid spec keeps its existing upstreams, and claims none of its spec', () => {
  const invalid = made({
    name: 'invalid',
    upstreams: ['docker.io'],
    more: { garbageCollection: { ttl: '-1h' } },
  });
  const younger = made({ name: 'b', createdAt: '2026-01-01T00:00:01Z', upstreams: ['docker.io', 'quay.io'] });
  const existingUpstreams = (id: string): string[] => (id === configId(invalid) ? ['quay.io'] : []);
  const plan = planOf([invalid, younger], { existingUpstreams });
  assert.deepEqual(owners(plan), ['registry-docker-io RegistryConfig team/b']);
  assert.equal(plan.isInvalid(configId(invalid)), true);
  assert.deepEqual(
    plan.conflictsOf(younger).map(({ upstream }) => upstream),
    ['quay.io'],
  );
});

test('an invalid object keeps its caches with their last valid configuration, and the names of their objects', () => {
  const invalid = made({
    name: 'invalid',
    upstreams: ['docker.io'],
    more: { garbageCollection: { ttl: '-1h' } },
  });
  const younger = made({ name: 'b', createdAt: '2026-01-01T00:00:01Z', upstreams: ['hub'] });
  const before = configOf({ upstream: 'docker.io', serviceNameSuffix: 'hub' }).caches;
  const existingUpstreams = (id: string): string[] => (id === configId(invalid) ? ['docker.io'] : []);
  const lastValid = (id: string) => (id === configId(invalid) ? before : []);
  const plan = planOf([younger, invalid], { existingUpstreams, lastValid });
  assert.deepEqual(owners(plan), ['registry-docker-io RegistryConfig team/invalid']);
  assert.equal(plan.caches.get('registry-docker-io')?.config, before[0]);
  assert.equal(plan.conflictsOf(younger)[0]?.about, 'registry-hub');
  assert.equal(owners(planOf([invalid], { existingUpstreams, lastValid, mayAct: () => false })).length, 0);
});

test('property: every upstream has at most one owner, the oldest object that claims it, in any order of objects', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const upstream = fc.constantFrom<string>('a.io', 'b.io', 'c.io');
  const second = fc.integer({ min: 0, max: 2 }).map((n) => `2026-01-01T00:00:0${n}Z`);
  const object = fc.record({
    name,
    createdAt: second,
    upstreams: fc.uniqueArray(upstream, { minLength: 1 }),
    kind: fc.constantFrom<typeof KIND | typeof MIRROR_KIND>(KIND, MIRROR_KIND),
  });
  const objects = fc.uniqueArray(object, { selector: ({ kind, name }) => `${kind} ${name}`, maxLength: 6 });
  fc.assert(
    fc.property(objects, (them) => {
      const all = them.map(made);
      const plan = planOf(all);
      assert.deepEqual(owners(planOf(all.toReversed())), owners(plan));
      const granted = [
        ...[...plan.caches.values()].map(({ config, owner }) => [config.upstream, owner] as const),
        ...plan.mirrors.map(({ mirrors, owner }) => [mirrors.upstream, owner] as const),
      ];
      assert.equal(new Set(granted.map(([one]) => one)).size, granted.length);
      for (const [one, owner] of granted) {
        const rivals = them.filter(({ upstreams }) => upstreams.includes(one));
        const oldest = rivals.map(({ createdAt }) => createdAt).sort()[0];
        assert.equal(owner.metadata.creationTimestamp, oldest);
      }
    }),
  );
});
