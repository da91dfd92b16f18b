import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { baseShoot } from '../../../test/gardener/recorded-admission.ts';
import { clusterFacts, type ClusterFacts } from './cluster-facts.ts';
import { secretTargets } from './shoot-resources.ts';

const facts = (shoot: unknown): ClusterFacts =>
  clusterFacts({
    apiVersion: 'extensions.gardener.cloud/v1alpha1',
    kind: 'Cluster',
    metadata: { name: 'shoot--p--s' },
    spec: { shoot },
  });

describe('the facts of a shoot', () => {
  test('are read from a Shoot as gardenlet publishes it', () => {
    const start = '2026-01-15T08:00:00Z';
    const resources = [{ name: 'a', resourceRef: { apiVersion: 'v1', kind: 'Secret', name: 's' } }];
    const shoot = {
      ...baseShoot(),
      metadata: {
        deletionTimestamp: start,
        annotations: { 'confirmation.gardener.cloud/force-deletion': 'true' },
      },
      spec: {
        hibernation: { enabled: true, schedules: [{ start: '0 20 * * 1-5' }] },
        purpose: 'testing',
        kubernetes: {
          version: '1.34.4',
          verticalPodAutoscaler: { enabled: true },
          kubelet: { failSwapOn: true },
        },
        resources,
      },
      status: {
        lastOperation: { state: 'Failed', progress: 60 },
        credentials: {
          rotation: { certificateAuthorities: { phase: 'Preparing', lastInitiationTime: start } },
        },
      },
    };
    assert.deepEqual(facts(shoot), {
      isHibernated: true,
      isDeleted: true,
      isForceDeleted: true,
      purpose: 'testing',
      hasAutoscaler: true,
      kubernetesVersion: '1.34.4',
      lastOperationState: 'Failed',
      rotationPhase: 'Preparing',
      rotationStart: Date.parse(start),
      resources: [{ name: 'a', resourceRef: { kind: 'Secret', name: 's' } }],
    });
  });

  test('have the values of Go where a field is missing or null', () => {
    const empty = {
      isHibernated: false,
      isDeleted: false,
      isForceDeleted: false,
      purpose: 'evaluation',
      hasAutoscaler: false,
      kubernetesVersion: '',
      lastOperationState: '',
      rotationPhase: '',
      rotationStart: undefined,
      resources: [],
    };
    assert.deepEqual(facts({}), empty);
    assert.deepEqual(
      facts({ metadata: null, spec: { purpose: null, resources: null }, status: null }),
      empty,
    );
  });

  test('do not depend on fields that nobody looks at', () => {
    assert.equal(facts({ spec: { provider: 7, networking: [], addons: 'x' } }).purpose, 'evaluation');
  });

  test('see a forced deletion in every true of Go', () => {
    const isForced = (text: string) =>
      facts({ metadata: { annotations: { 'confirmation.gardener.cloud/force-deletion': text } } })
        .isForceDeleted;
    for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) assert.ok(isForced(text), text);
    for (const text of ['yes', 'tRUE', '', '0', 'false']) assert.ok(!isForced(text), text);
  });

  test('are not there without a Shoot, or with a field of another type, and the message says which', () => {
    const go = 'json: cannot unmarshal';
    for (const [shoot, message] of [
      [undefined, 'Cluster shoot--p--s has no Shoot'],
      [null, 'Cluster shoot--p--s has no Shoot'],
      ['x', `${go} string into Go struct field Shoot of type v1beta1.Shoot`],
      [
        { spec: { hibernation: { enabled: 'x' } } },
        `${go} string into Go struct field Hibernation.spec.hibernation.enabled of type bool`,
      ],
      [
        { spec: { resources: [{ resourceRef: { name: 7 } }] } },
        `${go} number into Go struct field CrossVersionObjectReference.spec.resources.resourceRef.name of type string`,
      ],
      [
        { metadata: { deletionTimestamp: 'soon' } },
        `${go} string into Go struct field ObjectMeta.metadata.deletionTimestamp of type v1.Time`,
      ],
    ] as const)
      assert.throws(() => facts(shoot), { code: 'CONFIG_INVALID', message });
  });
});

test('a reference leads to the first entry of its name, if that is a Secret', () => {
  const entry = (name: string, kind: string, target: string) => ({
    name,
    resourceRef: { kind, name: target },
  });
  const resources = [
    entry('a', 'Secret', '1'),
    entry('a', 'Secret', '2'),
    entry('b', 'ConfigMap', '3'),
    entry('b', 'Secret', '4'),
  ];
  assert.deepEqual([...secretTargets(resources)], [['a', '1']]);
});
