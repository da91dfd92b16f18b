import type { Digest } from '../../oci/digest.ts';
import type { EvictionCandidate } from '../index/content-index.ts';
import type { EvictionReason } from '../space/evictor.ts';
import type { Scope } from '../content/ledger.ts';
import type { UpstreamPolicy } from '../types.ts';

/** An upstream's share in content that is to end; `scope` undefined: content without a known upstream. */
export interface UnwantedShare {
  readonly scope: Scope;
  readonly reason: EvictionReason & ('unconfigured' | 'ttl' | 'budget');
}

/**
 * Shares in content that end because their upstream is not configured, or because of their age. Content without a known upstream goes when
 * it is too old for every upstream, as in `Evictor.expire`. None end if the configured upstreams are not known.
 */
export function unwantedShares(
  { usedAt }: Pick<EvictionCandidate, 'usedAt'>,
  upstreams: readonly string[],
  policies: ReadonlyMap<string, UpstreamPolicy> | undefined,
  now: number,
): UnwantedShare[] {
  if (policies === undefined) return [];
  if (upstreams.length === 0) {
    const ttls = [...policies.values()].map(({ ttlMs }) => ttlMs);
    const isOld = ttls.length > 0 && !ttls.includes(0) && usedAt < now - Math.max(...ttls);
    return isOld ? [{ scope: undefined, reason: 'ttl' }] : [];
  }
  return upstreams.flatMap((scope): UnwantedShare[] => {
    const policy = policies.get(scope);
    if (policy === undefined) return [{ scope, reason: 'unconfigured' }];
    return policy.ttlMs > 0 && usedAt < now - policy.ttlMs ? [{ scope, reason: 'ttl' }] : [];
  });
}

/** Removals that a dry run has planned so far; the store is unchanged. */
export class GarbagePlan {
  readonly #bytes = new Map<Scope, number>();
  /** Shares that end for a budget; undefined: all shares. The others follow from {@link unwantedShares}. */
  readonly #shares = new Map<Digest, Scope[]>();

  /** Bytes that the plan frees in a scope. */
  bytesOf(scope: Scope): number {
    return this.#bytes.get(scope) ?? 0;
  }

  free(scope: Scope, bytes: number): void {
    this.#bytes.set(scope, this.bytesOf(scope) + bytes);
  }

  takeShare(digest: Digest, scope: Scope): void {
    this.#shares.set(digest, [...(this.#shares.get(digest) ?? []), scope]);
  }

  /** True if the share of `scope` ends for a budget, or all shares do. */
  hasTaken(digest: Digest, scope: Scope): boolean {
    const shares = this.#shares.get(digest);
    return shares !== undefined && (shares.includes(undefined) || shares.includes(scope));
  }
}
