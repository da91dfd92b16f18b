import type { Clock } from '../kit/clock.ts';
import type { ErrorCode } from '../kit/errors.ts';
import type { Exchange } from './http/exchange.ts';

/** How an upstream did for the callers of late; for people, beside the metrics. */
export interface Trouble {
  /** True when it failed the last time it was needed. */
  readonly failing: boolean;
  /** The last failure; it stays when the upstream has recovered. */
  readonly lastError: { readonly code: string; readonly message: string; readonly time: string } | null;
  /** True when content was passed on without being stored in the last minutes, since there was no room. */
  readonly storeFull: boolean;
}

/** A disk that is full now and then is one to look at. */
const STORE_FULL_MS = 5 * 60_000;

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
export function createTroubleBook(clock: Clock) {
  const known = new Map<string, Trouble & { readonly storeFullAt: number }>();

  return {
    note({ upstreamName, error, status }: Pick<Exchange, 'upstreamName' | 'error' | 'status'>): void {
      if (upstreamName === undefined || status === undefined) return;
      const before = known.get(upstreamName) ?? NONE;
      const detail = 'detail' in status ? status.detail : undefined;
      if (detail === 'STORE_FULL') {
        known.set(upstreamName, { ...before, storeFullAt: clock.monotonic() });
      } else if (detail !== undefined && FAILURES.has(detail)) {
        const message = error?.message ?? 'content was served from the store although the upstream failed';
        const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
        known.set(upstreamName, { ...before, failing: true, lastError: { code: detail, message, time } });
      } else if (before.failing && ASKED.has(status.kind)) {
        known.set(upstreamName, { ...before, failing: false });
      }
    },
    of(upstream: string): Trouble {
      const { failing, lastError, storeFullAt } = known.get(upstream) ?? NONE;
      return { failing, lastError, storeFull: clock.monotonic() < storeFullAt + STORE_FULL_MS };
    },
  };
}

export type TroubleBook = ReturnType<typeof createTroubleBook>;

const NONE = { failing: false, lastError: null, storeFull: false, storeFullAt: -Infinity };

/** The upstream was asked, and answered. */
const ASKED: ReadonlySet<string> = new Set(['proven', 'miss', 'revalidated']);
