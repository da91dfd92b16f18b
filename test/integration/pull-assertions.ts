import assert from 'node:assert/strict';
import type { TestImage } from '../kit/index.ts';
import type { Pull } from './client-table.ts';

/** Fails unless the client is content and has everything. */
export function assertPulled(pull: Pull, image: TestImage): void {
  assert.ok(pull.succeeded, pull.output);
  const missing = digestsOf(image).filter((digest) => !pull.digests.includes(digest));
  assert.deepEqual(missing, [], 'it succeeded, and a part of the image is missing');
}

/** Fails unless the client knows that it has not got the image, and has nothing of it. */
export function assertNotPulled(pull: Pull, image: TestImage): void {
  assert.equal(pull.succeeded, false, `it succeeded: ${pull.output}`);
  const held = digestsOf(image).filter((digest) => pull.digests.includes(digest));
  assert.deepEqual(held, [], 'it failed, and has got a part of the image');
}

/** The words of all clients for "you may not", or for "you would have to log in". */
const REFUSED =
  /\b401\b|\b403\b|unauthorized|denied|forbidden|no basic auth credentials|basic credential not found/i;

/** As {@link assertNotPulled}, and the client was told that it may not have it. */
export function assertRefused(pull: Pull, image: TestImage): void {
  assertNotPulled(pull, image);
  assert.match(pull.output, REFUSED);
}

function digestsOf(image: TestImage): string[] {
  return [image.digest, ...image.blobs.map((blob) => blob.digest)];
}
