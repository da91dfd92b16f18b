import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import type { RepositoryId } from '../../store/types.ts';
import { createCredentialGrants } from './credential-grants.ts';

const APP: RepositoryId = { upstream: 'r.example', repository: parseRepositoryName('team/app') };
const OTHER: RepositoryId = { ...APP, repository: parseRepositoryName('team/other') };
const ELSEWHERE: RepositoryId = { ...APP, upstream: 'other.example' };

describe('the id of a credential', () => {
  test('is the same for the same header, another for another, and shows nothing of it', () => {
    const grants = createCredentialGrants(new ManualClock());
    const id = grants.credentialIdOf('Bearer abc');
    assert.equal(id, grants.credentialIdOf('Bearer abc'));
    assert.notEqual(id, grants.credentialIdOf('Bearer abd'));
    assert.match(id, /^[\w-]{22}$/);
  });

  test('cannot be the same for parts that only join to the same text', () => {
    const grants = createCredentialGrants(new ManualClock());
    assert.notEqual(grants.credentialIdOf('a', 'bc'), grants.credentialIdOf('ab', 'c'));
  });

  test('differs from process to process, so that it reveals nothing outside of one', () => {
    const clock = new ManualClock();
    assert.notEqual(
      createCredentialGrants(clock).credentialIdOf('x'),
      createCredentialGrants(clock).credentialIdOf('x'),
    );
  });
});

describe('a proof', () => {
  test('holds for its credential, repository and upstream, and for no other', () => {
    const grants = createCredentialGrants(new ManualClock());
    grants.prove('alice', APP);
    assert.equal(grants.isProven('alice', APP, 1), true);
    assert.equal(grants.isProven('bob', APP, 1), false);
    assert.equal(grants.isProven('alice', OTHER, 1), false);
    assert.equal(grants.isProven('alice', ELSEWHERE, 1), false);
  });

  test('of a lifetime of 0 never holds', () => {
    const grants = createCredentialGrants(new ManualClock());
    grants.prove('alice', APP);
    assert.equal(grants.isProven('alice', APP, 0), false);
  });

  test('ends early with the token, but stays the last proof of the credential', () => {
    const clock = new ManualClock();
    const grants = createCredentialGrants(clock);
    grants.prove('alice', APP, clock.now() + 1000);
    clock.advance(999);
    assert.equal(grants.isProven('alice', APP, 60_000), true);
    clock.advance(1);
    assert.equal(grants.isProven('alice', APP, 60_000), false);
    assert.equal(grants.provenFor('alice', APP), 1000);
  });

  test('makes the credential known at its upstream, until it is refused there altogether', () => {
    const grants = createCredentialGrants(new ManualClock());
    assert.equal(grants.isKnown('alice', 'r.example'), false);
    grants.prove('alice', APP);
    grants.refuse('alice', OTHER);
    assert.equal(grants.isKnown('alice', 'r.example'), true);
    assert.equal(grants.isKnown('alice', 'other.example'), false);
    grants.refuseAll('alice', 'r.example');
    assert.equal(grants.isKnown('alice', 'r.example'), false);
  });

  test('is given up for others only when there are more than 100 000, the least recently used first', () => {
    const grants = createCredentialGrants(new ManualClock());
    for (let count = 0; count < 100_000; count += 1) grants.prove(`credential-${count}`, APP);
    assert.equal(grants.isProven('credential-0', APP, 1), true);
    grants.prove('one more', APP);
    assert.equal(grants.isProven('credential-0', APP, 1), true, 'used a moment ago');
    assert.equal(grants.isProven('credential-1', APP, 1), false);
  });
});

test('model: any sequence of proofs, refusals and time gives what the last of them says', () => {
  const credentials = ['alice', 'bob'];
  const places = [APP, OTHER, ELSEWHERE];
  const who = fc.constantFrom(...credentials);
  const where = fc.constantFrom(...places);
  const step = fc.oneof(
    fc.record({ does: fc.constant('prove' as const), who, where }),
    fc.record({ does: fc.constant('refuse' as const), who, where }),
    fc.record({ does: fc.constant('refuseAll' as const), who, where }),
    fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 400 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = new ManualClock();
      const grants = createCredentialGrants(clock);
      const provenAt = new Map<string, number>();
      const nameOf = (credentialId: string, place: RepositoryId): string =>
        `${credentialId} ${place.upstream} ${place.repository}`;
      for (const one of steps) {
        if (one.does === 'wait') clock.advance(one.ms);
        else if (one.does === 'prove') {
          // A refusal and a proof of the same instant have no order: the refusal counts.
          clock.advance(1);
          grants.prove(one.who, one.where);
          provenAt.set(nameOf(one.who, one.where), clock.monotonic());
        } else if (one.does === 'refuse') {
          grants.refuse(one.who, one.where);
          provenAt.delete(nameOf(one.who, one.where));
        } else {
          grants.refuseAll(one.who, one.where.upstream);
          for (const place of places)
            if (place.upstream === one.where.upstream) provenAt.delete(nameOf(one.who, place));
        }
        for (const credentialId of credentials) {
          for (const place of places) {
            const at = provenAt.get(nameOf(credentialId, place));
            const age = at === undefined ? undefined : clock.monotonic() - at;
            assert.equal(grants.provenFor(credentialId, place), age);
            assert.equal(grants.isProven(credentialId, place, 500), age !== undefined && age < 500);
          }
        }
      }
    }),
  );
});
