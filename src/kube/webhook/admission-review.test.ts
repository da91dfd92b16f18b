import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonPatch } from '../../../test/kube/json-patch.ts';
import { patchOf, type AnsweredReview } from '../../../test/kube/reviews.ts';
import { readReview, reviewAnswer } from './admission-review.ts';

const field = fc.oneof(fc.string(), fc.jsonValue());
const anyReview = fc.record(
  {
    apiVersion: field,
    kind: field,
    request: fc.oneof(
      fc.record(
        { uid: field, kind: fc.oneof(fc.record({ kind: field }), field), name: field, object: field },
        { requiredKeys: [] },
      ),
      field,
    ),
  },
  { requiredKeys: [] },
);

test('property: any text is a review or is denied with 400, and the answer is one in either case', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        anyReview.map((one) => JSON.stringify(one)),
      ),
      (text) => {
        const review = readReview(text);
        const isReview = 'request' in review;
        if (!isReview) assert.deepEqual([review.allowed, review.code], [false, 400]);
        const answer = isReview ? reviewAnswer(review, { allowed: true }) : reviewAnswer(undefined, review);
        const { response, ...type } = JSON.parse(answer) as AnsweredReview;
        assert.equal(response.allowed, isReview);
        assert.deepEqual(type, isReview ? review.type : {});
        assert.equal(response.uid, isReview ? review.request.uid : '');
      },
    ),
  );
});

test('property: the patch of an answer makes the changed object', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (before, changed) => {
        const review = readReview(JSON.stringify({ request: { uid: 'u', object: before } }));
        assert.ok('request' in review);
        const answer = JSON.parse(reviewAnswer(review, { allowed: true, changed })) as AnsweredReview;
        const patch = answer.response.patch === undefined ? [] : patchOf(answer);
        const [from, to] = JSON.parse(JSON.stringify([before, changed])) as [object, object];
        assert.deepEqual(jsonPatch(from, patch), to);
      },
    ),
  );
});

test('a review is frozen with all its parts', () => {
  const review = readReview('{"request":{"uid":"u","object":{"spec":{"files":[{}]}}}}');
  assert.ok('request' in review);
  const { spec } = review.request.object as { spec: { files: object[] } };
  assert.throws(() => spec.files.push({}), TypeError);
});

test('a review that is nested too deep is denied', () => {
  const object = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
  const review = readReview(`{"request":{"uid":"u","object":${object}}}`);
  assert.ok('allowed' in review);
  assert.match(review.message, /nested too deep/);
});
