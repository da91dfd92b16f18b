import type { Store } from '../store/types.ts';
import { warningsOf } from './config-warnings.ts';
import type { Totals } from './http/observe.ts';
import type { UpstreamTable } from './upstreams.ts';

/** `/api/v1/stats`: what the cache saved, as sums since the start, and what it holds now. */
export function statsDocument(
  store: Store,
  table: UpstreamTable,
  totals: ReadonlyMap<string, Totals>,
  version: string,
): unknown {
  const held = store.stats();
  return {
    version,
    store: { bytes: held.bytes, limitBytes: held.limitBytes, objects: held.objects },
    upstreams: table.all.map(({ name, config }) => {
      const own = held.perUpstream.find((other) => other.upstream === name);
      const sums = totals.get(name) ?? { requests: 0, hits: 0, misses: 0, clientBytes: 0, bytesFromStore: 0 };
      return {
        upstream: name,
        authentication: { mode: config.authentication.mode, realm: config.authentication.realm },
        warnings: warningsOf(config),
        ...sums,
        hitRatio: sums.requests === 0 ? null : sums.hits / sums.requests,
        storedBytes: own?.bytes ?? 0,
        limitBytes: own?.limitBytes ?? null,
        objects: own?.objects ?? 0,
      };
    }),
  };
}
