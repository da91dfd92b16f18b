import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { destinationOf, requesterOf } from '../../../test/cache/target.ts';
import { LarderError } from '../../kit/errors.ts';
import { UpstreamRefusal } from '../../upstream/refusal.ts';
import type { Target } from '../access/target.ts';
import { concernsCaller, Requesters } from './requesters.ts';

const REFUSED = new UpstreamRefusal('UPSTREAM_UNAUTHORIZED', 'no', 401);

function caller(key: string, repository = 'team/app'): Target {
  const destination = destinationOf(undefined, {}, repository);
  return { ...destination, requester: requesterOf(destination, key) };
}

describe('the requesters of a fill', () => {
  test('take over in the order in which they came, each through its own repository', () => {
    const requesters = new Requesters(caller('alice'));
    requesters.add(caller('bob', 'team/other'), true);
    requesters.add(caller('carol'), false);
    assert.equal(requesters.handOver(REFUSED), true);
    assert.deepEqual(
      [requesters.current.requester.key, requesters.current.repository],
      ['bob', 'team/other'],
    );
    assert.equal(requesters.handOver(REFUSED), true);
    assert.equal(requesters.current.requester.key, 'carol');
    assert.equal(requesters.handOver(REFUSED), false);
  });

  test('that are equal to the upstream count as one', () => {
    const requesters = new Requesters(caller('alice'));
    requesters.add(caller('alice'), false);
    assert.equal(requesters.hasAnswerFor(caller('alice')), true);
    assert.equal(requesters.hasAnswerFor(caller('alice', 'team/other')), false);
    assert.equal(requesters.handOver(REFUSED), false);
  });

  test('that were refused stay refused while others go on, until they are added again', () => {
    const requesters = new Requesters(caller('alice'));
    requesters.add(caller('bob'), false);
    requesters.handOver(REFUSED);
    assert.equal(requesters.refusalOf(caller('alice')), REFUSED);
    assert.equal(requesters.refusalOf(caller('bob')), undefined);
    assert.equal(requesters.hasAnswerFor(caller('alice')), false);
    requesters.add(caller('alice'), true);
    assert.equal(requesters.refusalOf(caller('alice')), undefined);
  });

  test('know a repository to have the blob only from the upstream itself', () => {
    const requesters = new Requesters(caller('alice'));
    requesters.add(caller('bob', 'team/other'), false);
    assert.equal(requesters.isAskedIn(caller('x').repository), true);
    assert.equal(requesters.isConfirmedIn(caller('x').repository), false);
    requesters.accept();
    assert.equal(requesters.isConfirmedIn(caller('x').repository), true);
    assert.equal(requesters.isConfirmedIn(caller('x', 'team/other').repository), false);
    assert.deepEqual(requesters.repositoryIds(), [{ upstream: 'r.example', repository: 'team/app' }]);
  });

  test('have a blob for callers alone as long as only callers with logins had it confirmed', () => {
    const requesters = new Requesters(caller('alice'));
    const { repository } = caller('alice');
    assert.equal(requesters.isForCallersIn(repository), true);
    requesters.accept();
    assert.equal(requesters.isForCallersIn(repository), true);
    const anyone = caller('anyone');
    requesters.add({ ...anyone, requester: { ...anyone.requester, isApart: false } }, true);
    assert.equal(requesters.isForCallersIn(repository), false);
    assert.equal(requesters.isForCallersIn(caller('x', 'team/other').repository), true);
  });

  test('are no more than 16, whose credentials are kept', () => {
    const requesters = new Requesters(caller('first'));
    for (let count = 0; count < 100; count += 1) requesters.add(caller(`caller-${count}`), true);
    let left = 1;
    while (requesters.handOver(REFUSED)) left += 1;
    assert.equal(left, 16);
  });
});

test('property: a refused requester is never the current one, whatever happens in between', () => {
  const who = fc.constantFrom('alice', 'bob', 'carol');
  const where = fc.constantFrom('team/app', 'team/other');
  const step = fc.oneof(
    fc.record({ does: fc.constant('add' as const), who, where, hasIt: fc.boolean() }),
    fc.constant({ does: 'refuse' as const }),
    fc.constant({ does: 'accept' as const }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const requesters = new Requesters(caller('alice'));
      for (const one of steps) {
        if (one.does === 'add') requesters.add(caller(one.who, one.where), one.hasIt);
        else if (one.does === 'accept') requesters.accept();
        else if (!requesters.handOver(REFUSED)) return;
        const { current } = requesters;
        assert.equal(requesters.refusalOf(current), undefined);
        assert.equal(requesters.hasAnswerFor(current), true);
        for (const { repository } of requesters.repositoryIds())
          assert.equal(requesters.isConfirmedIn(repository), true);
      }
    }),
  );
});

test('a refusal, a 404 and a rate limit concern the caller; failures of the upstream do not', () => {
  for (const error of [
    REFUSED,
    new UpstreamRefusal('UPSTREAM_DENIED', 'no', 403),
    new UpstreamRefusal('BLOB_UNKNOWN', 'no', 404),
    new LarderError('UPSTREAM_RATE_LIMITED', 'slow down'),
  ]) {
    assert.equal(concernsCaller(error), true);
  }
  for (const error of [
    new UpstreamRefusal('UPSTREAM_BAD_ANSWER', 'what', 418),
    new LarderError('UPSTREAM_5XX', 'ouch'),
    new Error('x'),
  ]) {
    assert.equal(concernsCaller(error), false);
  }
});
