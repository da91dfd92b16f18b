/** A RegistryConfig or MirrorConfig that may become the owner of upstreams. */
export interface OwnerCandidate {
  readonly kind: 'RegistryConfig' | 'MirrorConfig';
  readonly namespace: string;
  readonly name: string;
  /** `metadata.creationTimestamp`: RFC 3339 in UTC, so that text order is time order. */
  readonly createdAt: string;
  readonly claims: readonly UpstreamClaim[];
}

/** The wish of one object to own one upstream. */
export interface UpstreamClaim {
  readonly upstream: string;
  /**
   * Names of the Kubernetes objects that the cache needs. Only one owner can have each. Different upstreams can lead to the same name
   * (`a.b.io` and `a-b.io`).
   */
  readonly names: readonly string[];
}

/** A claim that is not granted. */
export interface Conflict {
  readonly upstream: string;
  /** The object that has it: `RegistryConfig team/hub`; or {@link OUTSIDE}. */
  readonly owner: string;
  /** The contested upstream or object name. */
  readonly about: string;
}

export interface ResolvedClaims {
  /** Upstreams that the candidate owns. */
  granted(candidate: OwnerCandidate): readonly string[];
  conflicts(candidate: OwnerCandidate): readonly Conflict[];
}

/** Owner of the upstreams that no object can have. */
export const OUTSIDE = 'the Shoot';

/**
 * Decides which object owns which upstream (decision 0007): the oldest object that claims it, in all namespaces and of both kinds. Objects
 * created in the same second are ordered by kind, namespace and name. An object that is being deleted keeps its upstreams until it is gone,
 * because its cache still exists. The order of the candidates makes no difference. Upstreams that are `taken` have an owner that is older than
 * any object.
 */
export function resolveClaims(
  candidates: readonly OwnerCandidate[],
  taken: Iterable<string> = [],
): ResolvedClaims {
  const owners = new Map([...taken].map((upstream) => [`upstream ${upstream}`, OUTSIDE]));
  const granted = new Map<string, string[]>();
  const conflicts = new Map<string, Conflict[]>();
  for (const candidate of [...candidates].sort(byAge)) {
    const own = nameOf(candidate);
    const won: string[] = [];
    const lost: Conflict[] = [];
    for (const { upstream, names } of candidate.claims) {
      const wanted = [`upstream ${upstream}`, ...names.map((name) => `name ${name}`)];
      const taken = wanted.find((what) => owners.has(what));
      if (taken === undefined) {
        for (const what of wanted) owners.set(what, own);
        won.push(upstream);
      } else {
        const owner = owners.get(taken) as string;
        lost.push({ upstream, owner, about: taken.slice(taken.indexOf(' ') + 1) });
      }
    }
    granted.set(own, won);
    conflicts.set(own, lost);
  }
  return {
    granted: (candidate) => granted.get(nameOf(candidate)) ?? [],
    conflicts: (candidate) => conflicts.get(nameOf(candidate)) ?? [],
  };
}

function nameOf({ kind, namespace, name }: OwnerCandidate): string {
  return `${kind} ${namespace}/${name}`;
}

function byAge(a: OwnerCandidate, b: OwnerCandidate): number {
  return compare(a.createdAt, b.createdAt) || compare(nameOf(a), nameOf(b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
