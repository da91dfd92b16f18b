import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetOf, requesterOf } from '../../../test/cache/target.ts';
import { ManualClock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { digestOf } from '../../oci/digest.ts';
import { createRecentFailures } from './recent-failures.ts';

const HERE = targetOf();
const MISSING = new LarderError('BLOB_UNKNOWN', 'not there');
const DIGEST = digestOf(Buffer.from('x'));

test('a failure is thrown again for three seconds, and then forgotten', () => {
  const clock = new ManualClock();
  const failures = createRecentFailures(clock);
  failures.remember(HERE, 'x', MISSING);
  clock.advance(2999);
  assert.throws(() => failures.rethrow(HERE, 'x'), MISSING);
  clock.advance(1);
  failures.rethrow(HERE, 'x');
});

test('throwing it again does not make it last longer', () => {
  const clock = new ManualClock();
  const failures = createRecentFailures(clock);
  failures.remember(HERE, 'x', MISSING);
  for (let second = 0; second < 2; second += 1) {
    clock.advance(1000);
    assert.throws(() => failures.rethrow(HERE, 'x'), MISSING);
  }
  clock.advance(1000);
  failures.rethrow(HERE, 'x');
});

test('it concerns the content, repository, upstream and caller it was remembered for, and no other', () => {
  const failures = createRecentFailures(new ManualClock());
  failures.remember(HERE, 'x', MISSING);
  failures.rethrow(HERE, 'y');
  failures.rethrow(targetOf(undefined, {}, 'team/other'), 'x');
  failures.rethrow(targetOf(undefined, { upstream: 'other.example' }), 'x');
  failures.rethrow({ ...HERE, requester: requesterOf(HERE, 'another caller') }, 'x');
  assert.throws(() => failures.rethrow(HERE, 'x'), MISSING);
});

test('wrong content is remembered from the second time in a row on, for its upstream and all repositories', () => {
  const clock = new ManualClock();
  const failures = createRecentFailures(clock);
  failures.rememberContent('r.example', DIGEST, MISSING);
  failures.rethrowContent('r.example', DIGEST);
  failures.rememberContent('r.example', DIGEST, MISSING);
  failures.rethrow(HERE, DIGEST);
  failures.rethrowContent('other.example', DIGEST);
  assert.throws(() => failures.rethrowContent('r.example', DIGEST), MISSING);
  clock.advance(3000);
  failures.rethrowContent('r.example', DIGEST);
  failures.rememberContent('r.example', DIGEST, MISSING);
  assert.throws(() => failures.rethrowContent('r.example', DIGEST), MISSING);
});

test('right content in between forgives the wrong one before it', () => {
  const failures = createRecentFailures(new ManualClock());
  failures.rememberContent('r.example', DIGEST, MISSING);
  failures.forgetContent('r.example', DIGEST);
  failures.rememberContent('r.example', DIGEST, MISSING);
  failures.rethrowContent('r.example', DIGEST);
});
