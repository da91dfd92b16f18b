import type { Clock } from '../kit/clock.ts';
import type { ErrorCode } from '../kit/errors.ts';
import type { RegistryExchange } from './http/exchange.ts';

/** How an upstream did for the callers of late; for people, beside the metrics. */
export interface Trouble {
  /** True when it failed the last time it was needed, and that is minutes ago at most: of one that nobody needs nobody knows. */
  readonly failing: boolean;
  /** The last failure; it stays when the upstream has recovered. */
  readonly lastError: { readonly code: string; readonly message: string; readonly time: string } | null;
  /** True when content was passed on without being stored in the last minutes, since there was no room. */
  readonly storeFull: boolean;
}

/** What was not seen again for so long is over. Not sooner: a disk that is full now and then is one to look at. */
const TROUBLED_MS = 5 * 60_000;

/** What these say is about the upstream, and not about a caller or a credential. */
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

/** Notes of finished exchanges what they tell of their upstream. */
export function createUpstreamHealth(clock: Clock) {
  const known = new Map<string, Known>();
  const isRecent = (at: number): boolean => clock.monotonic() < at + TROUBLED_MS;

  return {
    note({ upstreamName, error, status }: Pick<RegistryExchange, 'upstreamName' | 'error' | 'status'>): void {
      if (upstreamName === undefined || status === undefined) return;
      const before = known.get(upstreamName) ?? NONE;
      const detail = 'detail' in status ? status.detail : undefined;
      if (detail === 'STORE_FULL') {
        known.set(upstreamName, { ...before, storeFullAt: clock.monotonic() });
      } else if (detail !== undefined && FAILURES.has(detail)) {
        const message = error?.message ?? 'content was served from the store although the upstream failed';
        const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
        const lastError = { code: detail, message, time };
        known.set(upstreamName, { ...before, failedAt: clock.monotonic(), lastError });
      } else if (ASKED.has(status.kind) && before.failedAt !== NEVER) {
        known.set(upstreamName, { ...before, failedAt: NEVER });
      }
    },
    of(upstream: string): Trouble {
      const { failedAt, lastError, storeFullAt } = known.get(upstream) ?? NONE;
      return { failing: isRecent(failedAt), lastError, storeFull: isRecent(storeFullAt) };
    },
  };
}

export type UpstreamHealth = ReturnType<typeof createUpstreamHealth>;

/** Times are of the monotonic clock. */
interface Known {
  readonly failedAt: number;
  readonly storeFullAt: number;
  readonly lastError: Trouble['lastError'];
}

const NEVER = -Infinity;
const NONE: Known = { failedAt: NEVER, storeFullAt: NEVER, lastError: null };

/** The upstream was asked, and answered. */
const ASKED: ReadonlySet<string> = new Set(['proven', 'miss', 'revalidated']);
