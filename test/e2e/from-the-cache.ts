import assert from 'node:assert/strict';
import { onceIn, type Upstream } from '../kit/index.ts';

const ATTEMPTS = 3;

/**
 * Asserts that Larder never requests a blob from the registry while `pull` runs. In at least one of a few attempts the node must not
 * request one either, and `pull` must return true. One attempt is not enough: on a busy machine a node may rightly pull from the
 * registry instead of waiting for the cache.
 */
export async function fromTheCache(registry: Upstream, pull: () => Promise<boolean>): Promise<void> {
  await onceIn(ATTEMPTS, async () => {
    registry.reset();
    const isAsMeant = await pull();
    const isLarders = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) =>
      String(headers['user-agent']).startsWith('larder/');
    assert.equal(registry.count({ kind: 'blob', where: isLarders }), 0, 'the cache requested a blob');
    const asked = registry.count({ kind: 'blob' });
    return isAsMeant && asked === 0 ? undefined : `${asked} blobs for the node, pull returned ${isAsMeant}`;
  });
}
