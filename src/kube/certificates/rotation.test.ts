import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Validity } from './key-pair.ts';
import { isDue, planRotation, type RotationPolicy } from './rotation.ts';

const HOUR = 3600_000;
const POLICY: RotationPolicy = { authorityMs: 90 * HOUR, certificateMs: 12 * HOUR, announceMs: 2 * HOUR };

const born = (at: number): Validity => ({ from: at, until: at + POLICY.authorityMs });

describe('the authorities of a cluster', () => {
  test('begin with one that signs at once', () => {
    assert.equal(planRotation([], 0, POLICY).signing, undefined);
    const plan = planRotation([born(0)], 0, POLICY);
    assert.deepEqual([plan.trusted, plan.signing, plan.createSuccessor], [[0], 0, false]);
  });

  test('get a successor after two thirds of their life, announced before it signs', () => {
    assert.equal(planRotation([born(0)], 60 * HOUR - 1, POLICY).createSuccessor, false);
    assert.equal(planRotation([born(0)], 60 * HOUR, POLICY).createSuccessor, true);
    const two = [born(0), born(60 * HOUR)];
    const announced = planRotation(two, 61 * HOUR, POLICY);
    assert.deepEqual([announced.trusted, announced.signing], [[0, 1], 0]);
    const taken = planRotation(two, 62 * HOUR, POLICY);
    assert.deepEqual([taken.trusted, taken.signing, taken.createSuccessor], [[0, 1], 1, false]);
  });

  test('are trusted until the last certificate they signed has ended', () => {
    const two = [born(0), born(60 * HOUR)];
    assert.deepEqual(planRotation(two, 74 * HOUR - 1, POLICY).trusted, [0, 1]);
    assert.deepEqual(planRotation(two, 74 * HOUR, POLICY).trusted, [1]);
  });
});

test('a certificate is due after two thirds of its life, and when another authority signs', () => {
  const certificate = { from: 0, until: 12 * HOUR, signedBy: 0 };
  assert.equal(isDue(undefined, { signing: 0 }, 0), true);
  assert.equal(isDue(certificate, { signing: 0 }, 8 * HOUR - 1), false);
  assert.equal(isDue(certificate, { signing: 0 }, 8 * HOUR), true);
  assert.equal(isDue(certificate, { signing: 1 }, 1), true);
});

test('property: a client that is late by less than the announcement trusts every certificate in use, at any time, over years', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 7 * HOUR }), { minLength: 50, maxLength: 300 }),
      fc.integer({ min: 0, max: POLICY.announceMs - 1 }),
      (steps, lateBy) => {
        let now = 1000;
        let authorities: Validity[] = [];
        let certificate: (Validity & { signedBy: Validity }) | undefined;
        const published: { at: number; trusted: readonly Validity[] }[] = [];
        // The plan is made at each of these moments and whenever it asked for it.
        for (const step of steps) {
          const end = now + step;
          for (let nextAt = now; now <= end; now = Math.min(Math.max(nextAt, now + 1), end + 1)) {
            let plan = planRotation(authorities, now, POLICY);
            if (plan.signing === undefined || plan.createSuccessor) {
              authorities = [...authorities, born(now)];
              plan = planRotation(authorities, now, POLICY);
            }
            const trusted = plan.trusted.map((index) => authorities[index] as Validity);
            const signing = authorities[plan.signing as number] as Validity;
            const known = certificate && {
              ...certificate,
              signedBy: authorities.indexOf(certificate.signedBy),
            };
            if (isDue(known, plan, now)) {
              const until = Math.min(now + POLICY.certificateMs, signing.until);
              certificate = { from: now, until, signedBy: signing };
            }
            authorities = trusted;
            published.push({ at: now, trusted });
            const seen = published.findLast(({ at }) => at <= now - lateBy) ?? published[0];
            assert.ok(certificate !== undefined && now < certificate.until, 'in use and not ended');
            assert.ok(seen?.trusted.includes(certificate.signedBy), `not heard of at ${now}`);
            assert.ok(authorities.length <= 3);
            nextAt = plan.nextAt;
            assert.ok(nextAt > now);
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});
