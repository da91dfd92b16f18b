import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf } from '../../../test/cache/target.ts';
import { KNOWN, STATS } from '../../../test/operator/cache-input.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { Reason } from '../../api/status/reasons.ts';
import type { VolumeClaim } from '../cluster/resources.ts';
import { CACHE_RULES, type RuleInput } from './cache-rules.ts';

const LOGIN = configWith({ secretReferenceName: 'login' });

const HEALTHY: RuleInput = {
  config: configWith({ volume: { size: '20Gi' } }),
  claim: claimWith('20Gi'),
  known: KNOWN,
  stats: STATS,
  state: 'Serving',
  isRolling: false,
  podProblem: undefined,
};

interface Case {
  readonly rule: string;
  readonly change: Partial<RuleInput>;
  readonly finds: readonly (readonly [Reason, string])[];
}

/** For each rule in its order, a change of a healthy cache that this rule alone reports. */
const CASES: readonly Case[] = [
  {
    rule: 'starting',
    change: { state: 'Starting' },
    finds: [['Starting', 'the cache is starting']],
  },
  {
    rule: 'not serving',
    change: { state: 'Failing', podProblem: 'its pod waits: ImagePullBackOff' },
    finds: [['NotServing', 'its pod waits: ImagePullBackOff']],
  },
  {
    rule: 'not as planned',
    change: { known: { ...KNOWN, problem: 'no' } },
    finds: [['Stuck', 'no']],
  },
  {
    rule: 'rolling out',
    change: { isRolling: true },
    finds: [['RollingOut', 'its objects are being applied, or its pod is being replaced']],
  },
  {
    rule: 'volume refused',
    change: { claim: claimWith('10Gi'), known: { ...KNOWN, volumeProblem: 'no' } },
    finds: [['VolumeCannotGrow', 'no']],
  },
  {
    rule: 'volume growing',
    change: { claim: claimWith('10Gi') },
    finds: [['VolumeGrowing', 'its volume is growing from 10Gi to 20Gi']],
  },
  {
    rule: 'Secret missing',
    change: {
      config: LOGIN,
      known: { ...KNOWN, missingSecrets: ['no a', 'no b'] },
      stats: { ...STATS, secretsMissing: true },
    },
    finds: [
      ['CredentialMissing', 'no a'],
      ['CredentialMissing', 'no b'],
    ],
  },
  {
    rule: 'Secret invalid',
    change: { known: { ...KNOWN, invalidSecrets: ['odd'] } },
    finds: [['CredentialInvalid', 'odd']],
  },
  {
    rule: 'login missing',
    change: { config: LOGIN, stats: { ...STATS, secretsMissing: true } },
    finds: [['CredentialMissing', 'a Secret that it names holds no login for this upstream']],
  },
  {
    rule: 'credential refused',
    change: { stats: { ...STATS, credentialRefused: true } },
    finds: [['CredentialRejected', 'the upstream refuses its credential']],
  },
  {
    rule: 'cloud login missing',
    change: { stats: { ...STATS, cloudLoginMissing: true, cloudLoginFailing: true } },
    finds: [['CredentialMissing', 'no cloud login is available, and its upstream is not asked without one']],
  },
  {
    rule: 'cloud login expiring',
    change: { stats: { ...STATS, cloudLoginFailing: true } },
    finds: [['CredentialExpiring', 'its cloud login cannot be renewed, and is used until it expires']],
  },
  {
    rule: 'CA bundle invalid',
    change: {
      config: LOGIN,
      known: { ...KNOWN, caBundleProblem: 'no bundle' },
      stats: { ...STATS, secretsMissing: true },
    },
    finds: [['CABundleInvalid', 'no bundle']],
  },
  {
    rule: 'upstream failing',
    change: { stats: { ...STATS, failing: true } },
    finds: [['UpstreamFailing', 'requests to the upstream fail']],
  },
  {
    rule: 'volume full',
    change: { stats: { ...STATS, storeFull: true } },
    finds: [['VolumeFull', 'its volume is full, and new content is passed on without being stored']],
  },
];

describe('the rules of a cache', () => {
  test('find nothing in a cache that works', () => {
    assert.deepEqual(findingsOf({}), []);
  });

  test('find nothing in a cache of which nothing is known yet', () => {
    assert.deepEqual(findingsOf({ known: undefined, stats: undefined, claim: undefined }), []);
  });

  test('have a case each, in their order', () => {
    assert.deepEqual(
      CACHE_RULES.map(({ name }) => name),
      CASES.map(({ rule }) => rule),
    );
  });

  for (const { rule, change, finds } of CASES) {
    test(`report alone: ${rule}`, () => {
      assert.deepEqual(
        findingsOf(change),
        finds.map(([reason, message]) => [rule, reason, message]),
      );
    });
  }
});

function findingsOf(change: Partial<RuleInput>): string[][] {
  const input = { ...HEALTHY, ...change };
  return CACHE_RULES.flatMap(({ name, reason, messages }) =>
    messages(input).map((message) => [name, reason, message]),
  );
}

function configWith(cache: Record<string, unknown>): CacheConfig {
  return configOf({ upstream: 'docker.io', ...cache }).caches[0] as CacheConfig;
}

function claimWith(storage: string): VolumeClaim {
  const metadata = { name: 'cache-volume-registry-docker-io-0' };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata,
    status: { phase: 'Bound', capacity: { storage } },
  };
}
