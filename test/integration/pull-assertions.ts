import assert from 'node:assert/strict';
import type { TestImage } from '../kit/index.ts';
import type { Pull } from './client-table.ts';

/** Asserts that the client reports success and has the whole image. */
export function assertPulled(pull: Pull, image: TestImage): void {
  assert.ok(pull.succeeded, pull.output);
  const missing = digestsOf(image).filter((digest) => !pull.digests.includes(digest));
  assert.deepEqual(missing, [], 'the pull succeeded, but a part of the image is missing');
}

/** Asserts that the client reports a failure and has no part of the image. */
export function assertNotPulled(pull: Pull, image: TestImage): void {
  assert.equal(pull.succeeded, false, `the pull succeeded: ${pull.output}`);
  const held = digestsOf(image).filter((digest) => pull.digests.includes(digest));
  assert.deepEqual(held, [], 'the pull failed, but the client has a part of the image');
}

/** Words of all clients for a refusal, or for a missing login. */
const REFUSED =
  /\b401\b|\b403\b|unauthorized|denied|forbidden|no basic auth credentials|basic credential not found/i;

/** Asserts as {@link assertNotPulled}, and that the client reports a refusal. */
export function assertRefused(pull: Pull, image: TestImage): void {
  assertNotPulled(pull, image);
  assert.match(pull.output, REFUSED);
}

function digestsOf(image: TestImage): string[] {
  return [image.digest, ...image.blobs.map((blob) => blob.digest)];
}
