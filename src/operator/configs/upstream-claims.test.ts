import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { resolveClaims, type OwnerCandidate } from './upstream-claims.ts';

function candidate(name: string, createdAt: string, ...upstreams: string[]): OwnerCandidate {
  return {
    kind: 'RegistryConfig',
    namespace: 'team',
    name,
    createdAt,
    claims: upstreams.map((upstream) => ({ upstream, names: [`registry-${upstream.replaceAll('.', '-')}`] })),
  };
}

test('the older of two objects owns the contested upstream; the younger keeps its others, and its conflict names the owner', () => {
  const older = candidate('older', '2026-01-01T00:00:00Z', 'docker.io');
  const younger = candidate('younger', '2026-01-01T00:00:01Z', 'docker.io', 'quay.io');
  const grants = resolveClaims([younger, older]);
  assert.deepEqual(grants.granted(older), ['docker.io']);
  assert.deepEqual(grants.granted(younger), ['quay.io']);
  assert.deepEqual(grants.conflicts(younger), [
    { upstream: 'docker.io', owner: 'RegistryConfig team/older', about: 'docker.io' },
  ]);
});

test('the younger object becomes the owner when the older is gone', () => {
  const younger = candidate('younger', '2026-01-01T00:00:01Z', 'docker.io');
  assert.deepEqual(resolveClaims([younger]).granted(younger), ['docker.io']);
});

test('upstreams whose objects would get the same name conflict about that name, also within one object', () => {
  const one = candidate('one', '2026-01-01T00:00:00Z', 'a.b.io', 'a-b.io');
  assert.deepEqual(resolveClaims([one]).conflicts(one), [
    { upstream: 'a-b.io', owner: 'RegistryConfig team/one', about: 'registry-a-b-io' },
  ]);
});

test('a mirror and a cache of one upstream conflict', () => {
  const cache = candidate('cache', '2026-01-01T00:00:00Z', 'docker.io');
  const mirror: OwnerCandidate = {
    ...candidate('mirror', '2026-01-02T00:00:00Z'),
    kind: 'MirrorConfig',
    claims: [{ upstream: 'docker.io', names: [] }],
  };
  assert.equal(resolveClaims([mirror, cache]).conflicts(mirror)[0]?.owner, 'RegistryConfig team/cache');
});

test('property: every claimed upstream has one owner, the oldest possible one, in any order', () => {
  const upstream = fc.constantFrom('docker.io', 'quay.io', 'a.b.io', 'a-b.io', 'ghcr.io');
  const some = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      second: fc.integer({ min: 0, max: 3 }),
      upstreams: fc.uniqueArray(upstream, { maxLength: 3 }),
    }),
    { selector: ({ name }) => name, maxLength: 5 },
  );
  fc.assert(
    fc.property(some, fc.infiniteStream(fc.nat()), (parts, random) => {
      const all = parts.map(({ name, second, upstreams }) =>
        candidate(name, `2026-01-01T00:00:0${second}Z`, ...upstreams),
      );
      const grants = resolveClaims(all);
      const weights = new Map(all.map((one) => [one.name, random.next().value as number]));
      const shuffled = [...all].sort((a, b) => (weights.get(a.name) ?? 0) - (weights.get(b.name) ?? 0));
      const again = resolveClaims(shuffled);
      const owners = all.flatMap((one) => grants.granted(one));
      assert.equal(new Set(owners).size, owners.length, 'one owner each');
      for (const one of all) {
        assert.deepEqual(again.granted(one), grants.granted(one));
        const answered = [...grants.granted(one), ...grants.conflicts(one).map(({ upstream: name }) => name)];
        assert.deepEqual(answered.sort(), one.claims.map(({ upstream: name }) => name).sort());
        for (const { owner } of grants.conflicts(one)) {
          const other = all.find(({ name }) => owner.endsWith(`/${name}`)) as OwnerCandidate;
          assert.ok(`${other.createdAt} ${other.name}` <= `${one.createdAt} ${one.name}`);
        }
      }
    }),
  );
});
