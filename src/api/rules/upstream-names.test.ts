import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { upstreamLabel, upstreamResourceName } from './upstream-names.ts';

// The names that the Gardener extension gives.
const NAMES: readonly [upstream: string, label: string, resource: string][] = [
  ['docker.io', 'docker.io', 'registry-docker-io'],
  ['europe-docker.pkg.dev', 'europe-docker.pkg.dev', 'registry-europe-docker-pkg-dev'],
  ['my-registry.io:5000', 'my-registry.io-5000', 'registry-my-registry-io-5000'],
  [
    'my-very-long-registry.very-long-subdomain.io',
    'my-very-long-registry.very-long-subdo-2fae3',
    'registry-my-very-long-registry-very-long-subdo-2fae3',
  ],
  [
    'my-very-long-registry.long-subdomain.io:8443',
    'my-very-long-registry.long-subdomain.-8cb9e',
    'registry-my-very-long-registry-long-subdomain--8cb9e',
  ],
];

for (const [upstream, label, resource] of NAMES) {
  test(`names the objects of ${upstream}`, () => {
    assert.equal(upstreamLabel(upstream), label);
    assert.equal(upstreamResourceName(upstream), resource);
  });
}

test('no name is longer than the pods of a StatefulSet allow', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z][-a-z0-9.:]{0,120}$/), (upstream) => {
      assert.ok(upstreamLabel(upstream).length <= 43);
      assert.ok(upstreamResourceName(upstream).length <= 52);
    }),
  );
});
