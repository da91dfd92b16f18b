import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  authorityOf,
  certificateOf,
  DAY_MS,
  SecretsModel,
  type RunResult,
} from '../../../test/gardener/secrets-model.ts';
import { hasEnded, oldAuthority, planAuthority, planServer, type SecretsState } from './secret-plan.ts';

const OURS = 'ours';

type Step =
  | { readonly kind: 'time'; readonly ms: number }
  /** One replica runs alone. */
  | { readonly kind: 'run'; readonly signWith: 'current' | 'old' }
  /** Two replicas run at the same time: `order` says which of them does the next step. */
  | { readonly kind: 'race'; readonly order: readonly boolean[]; readonly gapMs: number }
  | { readonly kind: 'delete'; readonly which: number };

const signWith = fc.constantFrom('current' as const, 'old' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.oneof(
        fc.integer({ min: 1, max: 600_000 }),
        fc.integer({ min: 1, max: 3 * DAY_MS }),
        fc.integer({ min: 1, max: 40 * DAY_MS }),
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('run' as const), signWith }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('race' as const),
      order: fc.array(fc.boolean(), { maxLength: 12 }),
      gapMs: fc.constantFrom(0, 0, 10, 3000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat() }) },
);

test('in any history of time, rotations, deletions and two replicas every certificate in use is valid and trusted', () => {
  let rotations = 0;
  let races = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (history) => {
      const model = new SecretsModel();
      finish(model.run('theirs', 'current'));
      const theirs = JSON.stringify(model.of('theirs'));
      let served: RunResult | undefined;
      for (const one of history) {
        if (one.kind === 'time') model.now += one.ms;
        else if (one.kind === 'delete') deleteOne(model, one.which);
        else {
          const results = one.kind === 'run' ? [finish(model.run(OURS, one.signWith))] : race(model, one);
          for (const result of results) check(model, result);
          if (one.kind === 'race') races += 1;
          const [first = finish(model.run(OURS, 'current'))] = results;
          // With time between the steps an authority may become due in the middle.
          if (one.kind === 'race' && one.gapMs === 0) checkEqual(results);
          checkEqual([finish(model.run(OURS, 'current')), finish(model.run(OURS, 'current'))]);
          checkOverlap(model, served, first);
          if (served !== undefined && served.current.name !== first.current.name) rotations += 1;
          served = first;
        }
      }
      assert.equal(JSON.stringify(model.of('theirs')), theirs, 'Secrets of another identity were touched');
    }),
    { numRuns: 1000 },
  );
  assert.ok(rotations > 150 && races > 500, `${rotations} rotations, ${races} races`);
});

test('a run that finds everything in order creates, changes and deletes nothing', () => {
  const model = new SecretsModel();
  finish(model.run(OURS, 'current'));
  const before = JSON.stringify([...model.secrets]);
  for (let hour = 0; hour < 19 * 24; hour += 1) {
    model.now += 3600_000;
    finish(model.run(OURS, 'old'));
    assert.equal(JSON.stringify([...model.secrets]), before);
  }
});

test('the previous authority is kept for a day after the last certificate of the current one, and as long as its own are there', () => {
  const model = new SecretsModel();
  const first = finish(model.run(OURS, 'current'));
  model.now += 21 * DAY_MS;
  for (let hour = 0; hour < 48; hour += 1) {
    const waiting = finish(model.run(OURS, 'old'));
    assert.equal(waiting.old?.name, first.current.name);
    assert.equal(waiting.server.uid, first.server.uid, 'the server keeps its certificate');
    model.now += 3600_000;
  }
  const switched = finish(model.run(OURS, 'current'));
  assert.notEqual(switched.server.uid, first.server.uid);
  model.now += 23 * 3600_000;
  assert.equal(finish(model.run(OURS, 'current')).old?.name, first.current.name);
  model.now += 3600_000;
  assert.equal(finish(model.run(OURS, 'current')).old, undefined);
  assert.deepEqual(
    model
      .of(OURS)
      .map(({ labels }) => labels['name'] ?? '')
      .toSorted(),
    ['ca-ours', 'ca-ours-bundle', 'server-ours'],
  );
});

test('a rule decides whether the previous authority is kept, but never one that has ended', () => {
  const model = new SecretsModel();
  const { current: old } = finish(model.run(OURS, 'current'));
  model.now += 21 * DAY_MS;
  const { current } = finish(model.run(OURS, 'old'));
  const state = (now: number): SecretsState => ({
    identity: OURS,
    existing: [old, current],
    starts: new Map(),
    now,
  });
  const kept = (rule: 'kept' | 'dropped', now: number) =>
    oldAuthority(state(now), { ...authorityOf(OURS), old: rule }, current)?.name;
  assert.equal(kept('kept', model.now), old.name);
  assert.equal(kept('dropped', model.now), undefined);
  assert.equal(kept('kept', model.now + 9 * DAY_MS), undefined, 'ended');
});

test('a Secret carries the labels of its kind, and the name of a server certificate depends on its authority', () => {
  const model = new SecretsModel();
  const { current, server, bundle } = finish(model.run(OURS, 'current'));
  const base = {
    'managed-by': 'secrets-manager',
    'manager-identity': OURS,
    'last-rotation-initiation-time': '',
  };
  assert.partialDeepStrictEqual(current.labels, { ...base, name: 'ca-ours', 'checksum-of-config': '1' });
  assert.partialDeepStrictEqual(server.labels, { ...base, name: 'server-ours' });
  assert.equal(server.labels['checksum-of-signing-ca']?.length, 63);
  assert.partialDeepStrictEqual(bundle.labels, { ...base, name: 'ca-ours-bundle', 'bundle-for': 'ca-ours' });
  const state = { identity: OURS, existing: [], starts: new Map<string, string>(), now: model.now };
  assert.equal(planAuthority(state, { ...authorityOf(OURS), persist: true }).labels['persist'], 'true');
  const config = { name: 'server', commonName: 'c', names: [], lifetime: { days: 1 } };
  assert.notEqual(
    planServer(state, config, current).name,
    planServer(state, config, { ...current, data: { 'ca.crt': 'other' } }).name,
  );
});

/** Checks one run: whatever it returned is valid now, and trusted by the bundle that it returned. */
function check(model: SecretsModel, { at, current, old, signer, server, bundle }: RunResult): void {
  const trusted = bundle.data['bundle.crt'] ?? '';
  assert.ok(trusted.includes(certificateOf(signer)), 'the bundle lacks the authority of the certificate');
  assert.ok(server.data['tls.crt']?.endsWith(certificateOf(signer)), 'signed by another authority');
  for (const one of [current, old, server]) assert.ok(one === undefined || !hasEnded(one, at), one?.name);
  const authorities = model.of(OURS).filter(({ labels }) => labels['name'] === 'ca-ours');
  assert.ok(authorities.length <= 2, 'more than two authorities');
}

function checkEqual([first, second]: readonly RunResult[]): void {
  assert.equal(first?.current.uid, second?.current.uid, 'two current authorities');
  assert.equal(first?.server.uid, second?.server.uid, 'two server certificates');
}

/** A replica that serves the certificate of the run before is still trusted, unless its authority has ended or was deleted. */
function checkOverlap(model: SecretsModel, before: RunResult | undefined, after: RunResult): void {
  if (before === undefined || hasEnded(before.signer, model.now)) return;
  if (model.secrets.get(before.signer.name)?.uid !== before.signer.uid) return;
  assert.ok(
    after.bundle.data['bundle.crt']?.includes(certificateOf(before.signer)),
    'a rotation without overlap',
  );
}

function deleteOne(model: SecretsModel, which: number): void {
  const ours = model.of(OURS);
  const chosen = ours[which % Math.max(1, ours.length)];
  if (chosen !== undefined) model.secrets.delete(chosen.name);
}

function race(
  model: SecretsModel,
  { order, gapMs }: { order: readonly boolean[]; gapMs: number },
): RunResult[] {
  const runs = [model.run(OURS, 'current'), model.run(OURS, 'current')];
  const results: (RunResult | undefined)[] = [undefined, undefined];
  const turns = [...order.map(Number), ...Array.from({ length: 6 }, () => [0, 1]).flat()];
  for (const index of turns) {
    if (results[index] !== undefined) continue;
    const next = runs[index]?.next();
    if (next?.done === true) results[index] = next.value;
    model.now += gapMs;
  }
  return results.filter((one) => one !== undefined);
}

function finish(run: Generator<void, RunResult, void>): RunResult {
  for (;;) {
    const next = run.next();
    if (next.done === true) return next.value;
  }
}
