import assert from 'node:assert/strict';
import { waitFor, type Upstream } from '../kit/index.ts';

/**
 * Waits until no blob of a pull comes from the registry and `pull` resolves with true. Asserts that Larder requests none in the meantime.
 * The node itself may rightly request some at first: it goes around a cache that is slow, and for a while around one that failed.
 */
export async function fromTheCache(registry: Upstream, pull: () => Promise<boolean>): Promise<void> {
  let larders = 0;
  const isLarders = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) =>
    String(headers['user-agent']).startsWith('larder/');
  const comesFromTheCache = async () => {
    registry.reset();
    const isAsMeant = await pull();
    larders += registry.count({ kind: 'blob', where: isLarders });
    return isAsMeant && registry.count({ kind: 'blob' }) === 0;
  };
  await waitFor(comesFromTheCache, { limitMs: 20_000, everyMs: 200, what: 'a pull from the cache' });
  assert.equal(larders, 0, 'the cache requested a blob');
}
