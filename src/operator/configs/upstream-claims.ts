/** An object that asks for upstreams to be cached or mirrored. */
export interface Claimant {
  readonly kind: 'RegistryConfig' | 'MirrorConfig';
  readonly namespace: string;
  readonly name: string;
  /** `metadata.creationTimestamp`: RFC 3339 in UTC, so that text order is time order. */
  readonly createdAt: string;
  readonly claims: readonly Claim[];
}

export interface Claim {
  readonly upstream: string;
  /**
   * What else only one may have: the names of the objects that a cache needs. Different upstreams can come to the same name
   * (`a.b.io` and `a-b.io`).
   */
  readonly names: readonly string[];
}

/** Why a claim is not granted. */
export interface Conflict {
  readonly upstream: string;
  /** Who has it: `RegistryConfig team/hub`. */
  readonly holder: string;
  /** What both want: the upstream itself, or a name. */
  readonly about: string;
}

export interface Grants {
  /** Of one claimant: the upstreams that it has. */
  granted(claimant: Claimant): readonly string[];
  conflicts(claimant: Claimant): readonly Conflict[];
}

/**
 * Who has which upstream (decision 0007): the oldest object that asks for it, in all namespaces and of both kinds; of objects of one second
 * the first by kind, namespace and name. An object that is being deleted holds what it has until it is gone, since its cache is still
 * there. The order in which they are given makes no difference.
 */
export function resolveClaims(claimants: readonly Claimant[]): Grants {
  const holders = new Map<string, string>();
  const granted = new Map<string, string[]>();
  const conflicts = new Map<string, Conflict[]>();
  for (const claimant of [...claimants].sort(byAge)) {
    const own = nameOf(claimant);
    const has: string[] = [];
    const hasNot: Conflict[] = [];
    for (const { upstream, names } of claimant.claims) {
      const wanted = [`upstream ${upstream}`, ...names.map((name) => `name ${name}`)];
      const taken = wanted.find((what) => holders.has(what));
      if (taken === undefined) {
        for (const what of wanted) holders.set(what, own);
        has.push(upstream);
      } else {
        const holder = holders.get(taken) as string;
        hasNot.push({ upstream, holder, about: taken.slice(taken.indexOf(' ') + 1) });
      }
    }
    granted.set(own, has);
    conflicts.set(own, hasNot);
  }
  return {
    granted: (claimant) => granted.get(nameOf(claimant)) ?? [],
    conflicts: (claimant) => conflicts.get(nameOf(claimant)) ?? [],
  };
}

function nameOf({ kind, namespace, name }: Claimant): string {
  return `${kind} ${namespace}/${name}`;
}

function byAge(a: Claimant, b: Claimant): number {
  return compare(a.createdAt, b.createdAt) || compare(nameOf(a), nameOf(b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
