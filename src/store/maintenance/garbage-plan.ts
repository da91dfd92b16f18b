import type { Digest } from '../../oci/digest.ts';
import type { Candidate } from '../index/content-index.ts';
import type { EvictionReason } from '../space/evictor.ts';
import type { Scope } from '../content/ledger.ts';
import type { UpstreamPolicy } from '../types.ts';

/** An upstream that lets go of content; undefined: content of nobody. */
export interface Leaving {
  readonly scope: Scope;
  readonly reason: EvictionReason & ('unconfigured' | 'ttl' | 'budget');
}

/**
 * Who lets go of content for its upstream or its age. What nobody delivered goes when it is too old for every upstream, as by
 * `Evictor.expire`. Nobody, when it is not known which upstreams there are.
 */
export function leavingOf(
  { usedAt }: Pick<Candidate, 'usedAt'>,
  holders: readonly string[],
  policies: ReadonlyMap<string, UpstreamPolicy> | undefined,
  now: number,
): Leaving[] {
  if (policies === undefined) return [];
  if (holders.length === 0) {
    const ttls = [...policies.values()].map(({ ttlMs }) => ttlMs);
    const isOld = ttls.length > 0 && !ttls.includes(0) && usedAt < now - Math.max(...ttls);
    return isOld ? [{ scope: undefined, reason: 'ttl' }] : [];
  }
  return holders.flatMap((scope): Leaving[] => {
    const policy = policies.get(scope);
    if (policy === undefined) return [{ scope, reason: 'unconfigured' }];
    return policy.ttlMs > 0 && usedAt < now - policy.ttlMs ? [{ scope, reason: 'ttl' }] : [];
  });
}

/** What a dry run has taken so far from a store that is still as it was. */
export class GarbagePlan {
  readonly #bytes = new Map<Scope, number>();
  /** Shares that were taken for want of room; undefined: all of them. The others follow from {@link leavingOf}. */
  readonly #shares = new Map<Digest, Scope[]>();

  /** Bytes that were taken from a scope. */
  bytesOf(scope: Scope): number {
    return this.#bytes.get(scope) ?? 0;
  }

  free(scope: Scope, bytes: number): void {
    this.#bytes.set(scope, this.bytesOf(scope) + bytes);
  }

  takeShare(digest: Digest, scope: Scope): void {
    this.#shares.set(digest, [...(this.#shares.get(digest) ?? []), scope]);
  }

  /** True when the share of `scope` was taken, or all of them. */
  hasTaken(digest: Digest, scope: Scope): boolean {
    const shares = this.#shares.get(digest);
    return shares !== undefined && (shares.includes(undefined) || shares.includes(scope));
  }
}
