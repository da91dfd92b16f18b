import type { Clock } from '../../kit/clock.ts';
import type { CacheMetrics } from '../metrics.ts';
import type { HandBackStats } from '../../store/distribution/hand-back.ts';
import type { Maintenance, ScrubStats } from '../../store/maintenance/maintenance.ts';
import type { Store } from '../../store/types.ts';
import { warningsOf } from '../config-warnings.ts';
import type { RequestTotals } from '../http/observe.ts';
import type { UpstreamHealth } from '../upstream-health.ts';
import type { UpstreamTable } from '../upstreams.ts';

export interface StatsDeps {
  readonly clock: Clock;
  readonly store: Pick<Store, 'stats'> & {
    readonly maintenance: Pick<Maintenance, 'scrubStats' | 'handBackStats'>;
  };
  readonly metrics: Pick<
    CacheMetrics,
    'secretsMissing' | 'credentialRefused' | 'cloudLoginFailing' | 'cloudLoginEnd'
  >;
  readonly totals: ReadonlyMap<string, RequestTotals>;
  readonly health: Pick<UpstreamHealth, 'of'>;
  readonly version: string;
  /** Directory of the store. */
  readonly directory: string;
}

/**
 * Builds the answer of `GET /api/v1/stats`: sums since the start, the content of the store, and the state of each
 * upstream.
 */
export async function statsDocument(
  { clock, store, metrics, totals, health, version, directory }: StatsDeps,
  table: Pick<UpstreamTable, 'all'>,
): Promise<unknown> {
  const missing = await upstreamsAt(metrics.secretsMissing);
  const refused = await upstreamsAt(metrics.credentialRefused);
  const failing = await upstreamsAt(metrics.cloudLoginFailing);
  const without = await upstreamsWithoutLogin(metrics, clock.now() / 1000);
  const held = store.stats();
  return {
    version,
    store: {
      directory,
      bytes: held.bytes,
      limitBytes: held.limitBytes,
      objects: held.objects,
      damagedObjects: held.damagedObjects,
      handBack: handBackDocument(store.maintenance.handBackStats()),
    },
    scrub: scrubDocument(store.maintenance.scrubStats()),
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
        secretsMissing: missing.has(name),
        credentialRefused: refused.has(name),
        cloudLoginFailing: failing.has(name),
        cloudLoginMissing: without.has(name),
        ...health.of(name),
      };
    }),
  };
}

/** Null: the store stores. */
function handBackDocument(stats: HandBackStats | undefined): unknown {
  return stats === undefined ? null : { ...stats, error: stats.error ?? null };
}

/** Times are in RFC 3339. Null: the scrub is turned off. */
function scrubDocument(scrub: ScrubStats | undefined): unknown {
  if (scrub === undefined) return null;
  const { isRunning, startedAt, finishedAt, ...sums } = scrub;
  return { running: isRunning, startedAt: timeText(startedAt), finishedAt: timeText(finishedAt), ...sums };
}

function timeText(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** Names of the upstreams whose gauge is not 0. */
async function upstreamsAt(
  gauge: Pick<CacheMetrics['secretsMissing'], 'get'>,
): Promise<ReadonlySet<unknown>> {
  const { values } = await gauge.get();
  return new Set(values.flatMap(({ value, labels }) => (value === 0 ? [] : [labels.upstream_host])));
}

/** Names of the upstreams that have a failing cloud login and no valid earlier one of that cloud. */
async function upstreamsWithoutLogin(
  { cloudLoginFailing, cloudLoginEnd }: Pick<CacheMetrics, 'cloudLoginFailing' | 'cloudLoginEnd'>,
  nowSeconds: number,
): Promise<ReadonlySet<unknown>> {
  const usable = new Set(
    (await cloudLoginEnd.get()).values.flatMap((one) => (one.value > nowSeconds ? [loginOf(one)] : [])),
  );
  return new Set(
    (await cloudLoginFailing.get()).values.flatMap((one: Series & { value: number }) =>
      one.value === 0 || usable.has(loginOf(one)) ? [] : [one.labels['upstream_host']],
    ),
  );
}

function loginOf({ labels }: Series): string {
  return `${String(labels['provider'])} ${String(labels['upstream_host'])}`;
}

interface Series {
  readonly labels: Readonly<Record<string, unknown>>;
}
