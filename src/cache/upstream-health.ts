import type { Clock } from '../kit/clock.ts';
import type { ErrorCode } from '../kit/errors.ts';
import type { RegistryExchange } from './http/exchange.ts';

/** Recent health of an upstream as callers saw it, for the status and the stats page. */
export interface RecentHealth {
  /**
   * True if the upstream failed when it was last needed, at most 5 minutes ago. The health of an unused upstream is
   * unknown.
   */
  readonly failing: boolean;
  /** The last failure. It stays after the upstream has recovered. */
  readonly lastError: { readonly code: string; readonly message: string; readonly time: string } | null;
  /** True if content was passed through in the last 5 minutes because the store was full. */
  readonly storeFull: boolean;
}

/** A state not seen again for this time is over. Not sooner: a disk that is full from time to time needs attention. */
const RECENT_MS = 5 * 60_000;

/** Errors that are about the upstream, not about a caller or a credential. */
const FAILURES: ReadonlySet<string> = new Set<ErrorCode>([
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_5XX',
  'UPSTREAM_BAD_ANSWER',
  'UPSTREAM_FORBIDDEN_ADDRESS',
  'UPSTREAM_DIGEST_MISMATCH',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_BREAKER_OPEN',
]);

/** Derives the health of each upstream from finished exchanges. */
export function createUpstreamHealth(clock: Clock) {
  const known = new Map<string, Known>();
  const isRecent = (at: number): boolean => clock.monotonic() < at + RECENT_MS;

  return {
    record({
      upstreamName,
      error,
      status,
    }: Pick<RegistryExchange, 'upstreamName' | 'error' | 'status'>): void {
      if (upstreamName === undefined || status === undefined) return;
      const before = known.get(upstreamName) ?? NONE;
      const detail = 'detail' in status ? status.detail : undefined;
      if (detail === 'STORE_FULL') {
        known.set(upstreamName, { ...before, storeFullAt: clock.monotonic() });
      } else if (detail !== undefined && FAILURES.has(detail)) {
        const message = error?.message ?? 'upstream failed; content was served from the store';
        const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
        const lastError = { code: detail, message, time };
        known.set(upstreamName, { ...before, failedAt: clock.monotonic(), lastError });
      } else if (ANSWERED.has(status.kind) && before.failedAt !== NEVER) {
        known.set(upstreamName, { ...before, failedAt: NEVER });
      }
    },
    of(upstream: string): RecentHealth {
      const { failedAt, lastError, storeFullAt } = known.get(upstream) ?? NONE;
      return { failing: isRecent(failedAt), lastError, storeFull: isRecent(storeFullAt) };
    },
  };
}

export type UpstreamHealth = ReturnType<typeof createUpstreamHealth>;

/** Times are on the monotonic clock. */
interface Known {
  readonly failedAt: number;
  readonly storeFullAt: number;
  readonly lastError: RecentHealth['lastError'];
}

const NEVER = -Infinity;
const NONE: Known = { failedAt: NEVER, storeFullAt: NEVER, lastError: null };

/** Kinds of `Cache-Status` for which the upstream was asked and answered. */
const ANSWERED: ReadonlySet<string> = new Set(['proven', 'miss', 'revalidated']);
