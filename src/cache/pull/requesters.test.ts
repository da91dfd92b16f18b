import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { destinationOf, visitorOf } from '../../../test/cache/target.ts';
import { LarderError } from '../../kit/errors.ts';
import { UpstreamRefusal } from '../../upstream/refusal.ts';
import type { Target } from '../access/target.ts';
import { concernsCaller, Sources } from './requesters.ts';

const REFUSED = new UpstreamRefusal('UPSTREAM_UNAUTHORIZED', 'no', 401);

function caller(key: string, repository = 'team/app'): Target {
  const destination = destinationOf(undefined, {}, repository);
  return { ...destination, requester: visitorOf(destination, key) };
}

describe('the callers of a fill', () => {
  test('take over in the order in which they came, each through its own repository', () => {
    const sources = new Sources(caller('alice'));
    sources.add(caller('bob', 'team/other'), true);
    sources.add(caller('carol'), false);
    assert.equal(sources.passOn(REFUSED), true);
    assert.deepEqual([sources.current.requester.key, sources.current.repository], ['bob', 'team/other']);
    assert.equal(sources.passOn(REFUSED), true);
    assert.equal(sources.current.requester.key, 'carol');
    assert.equal(sources.passOn(REFUSED), false);
  });

  test('who are the same to the upstream are one', () => {
    const sources = new Sources(caller('alice'));
    sources.add(caller('alice'), false);
    assert.equal(sources.speakFor(caller('alice')), true);
    assert.equal(sources.speakFor(caller('alice', 'team/other')), false);
    assert.equal(sources.passOn(REFUSED), false);
  });

  test('who was refused stays refused while others go on, until let in again', () => {
    const sources = new Sources(caller('alice'));
    sources.add(caller('bob'), false);
    sources.passOn(REFUSED);
    assert.equal(sources.refusalOf(caller('alice')), REFUSED);
    assert.equal(sources.refusalOf(caller('bob')), undefined);
    assert.equal(sources.speakFor(caller('alice')), false);
    sources.add(caller('alice'), true);
    assert.equal(sources.refusalOf(caller('alice')), undefined);
  });

  test('know a repository to have the blob only from the upstream itself', () => {
    const sources = new Sources(caller('alice'));
    sources.add(caller('bob', 'team/other'), false);
    assert.equal(sources.askIn(caller('x').repository), true);
    assert.equal(sources.haveItIn(caller('x').repository), false);
    sources.accept();
    assert.equal(sources.haveItIn(caller('x').repository), true);
    assert.equal(sources.haveItIn(caller('x', 'team/other').repository), false);
    assert.deepEqual(sources.origins(), [{ upstream: 'r.example', repository: 'team/app' }]);
  });

  test('are no more than 16, whose credentials are kept', () => {
    const sources = new Sources(caller('first'));
    for (let count = 0; count < 100; count += 1) sources.add(caller(`caller-${count}`), true);
    let left = 1;
    while (sources.passOn(REFUSED)) left += 1;
    assert.equal(left, 16);
  });
});

test('property: nobody who was refused is in use, whatever comes in between', () => {
  const who = fc.constantFrom('alice', 'bob', 'carol');
  const where = fc.constantFrom('team/app', 'team/other');
  const step = fc.oneof(
    fc.record({ does: fc.constant('add' as const), who, where, hasIt: fc.boolean() }),
    fc.constant({ does: 'refuse' as const }),
    fc.constant({ does: 'accept' as const }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const sources = new Sources(caller('alice'));
      for (const one of steps) {
        if (one.does === 'add') sources.add(caller(one.who, one.where), one.hasIt);
        else if (one.does === 'accept') sources.accept();
        else if (!sources.passOn(REFUSED)) return;
        const { current } = sources;
        assert.equal(sources.refusalOf(current), undefined);
        assert.equal(sources.speakFor(current), true);
        for (const { repository } of sources.origins()) assert.equal(sources.haveItIn(repository), true);
      }
    }),
  );
});

test('what concerns a caller is a refusal, a 404 and a rate limit; what concerns the upstream is not', () => {
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
