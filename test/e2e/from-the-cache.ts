import assert from 'node:assert/strict';
import { onceIn, type Upstream } from '../kit/index.ts';

const ATTEMPTS = 3;

/**
 * Asserts that Larder asks the registry for no blob while `pull` goes on, and that once in a few times nobody does and `pull` gives true: a
 * node that waits for a cache on a busy machine takes what it needs from the registry, and rightly so.
 */
export async function fromTheCache(registry: Upstream, pull: () => Promise<boolean>): Promise<void> {
  await onceIn(ATTEMPTS, async () => {
    registry.reset();
    const isAsMeant = await pull();
    const isLarders = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) =>
      String(headers['user-agent']).startsWith('larder/');
    assert.equal(registry.count({ kind: 'blob', where: isLarders }), 0, 'the cache asked for a blob');
    const asked = registry.count({ kind: 'blob' });
    return isAsMeant && asked === 0 ? undefined : `${asked} blobs for the node, as meant: ${isAsMeant}`;
  });
}
