import { LarderError } from '../kit/errors.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/reference.ts';
import type { CachedUpstream, Destination } from './access/target.ts';

/** The upstreams of one configuration. A changed configuration gets a new table. */
export interface UpstreamTable {
  readonly all: readonly CachedUpstream[];
  /** Upstream of requests with neither alias nor `ns`. */
  readonly fallback: CachedUpstream | undefined;
  /**
   * Resolves the name in a path. Throws `NAME_UNKNOWN` for an upstream that is not configured, `NAME_INVALID` for a bad
   * name.
   */
  destination(name: string, ns: string | undefined): Destination;
  /**
   * The upstream that a `/v2/` ping is for: that of `ns`, or the only one. Undefined if there are several. Throws
   * `NAME_UNKNOWN`.
   */
  pinged(ns: string | undefined): CachedUpstream | undefined;
}

/**
 * Routes by path alias, `?ns=`, or default upstream (docs/guide/clients.md). A request for an upstream that is not
 * configured is refused before a socket is opened.
 */
export function createUpstreamTable(
  all: readonly CachedUpstream[],
  defaultName: string | undefined,
): UpstreamTable {
  const byName = new Map(all.map((upstream) => [upstream.name, upstream]));
  const wanted = defaultName ?? (all.length === 1 ? all[0]?.name : 'docker.io');
  const fallback = wanted === undefined ? undefined : byName.get(wanted);

  const hubs = new Set(all.filter(isDockerHub));

  function destinationOf(
    upstream: CachedUpstream,
    name: string,
    visibleName: string,
    ns: string | undefined,
  ): Destination {
    return { upstream, repository: repositoryOf(name, hubs.has(upstream)), visibleName, ns };
  }

  function named(ns: string): CachedUpstream {
    const upstream = byName.get(ns);
    if (upstream === undefined) throw unknownUpstream(ns, all);
    return upstream;
  }

  return {
    all,
    fallback,
    destination(name, ns) {
      const slash = name.indexOf('/');
      const alias = slash === -1 ? undefined : byName.get(name.slice(0, slash));
      if (alias !== undefined) return destinationOf(alias, name.slice(slash + 1), name, ns);
      if (ns !== undefined) return destinationOf(named(ns), name, name, ns);
      if (fallback === undefined) throw noDefault(name, all);
      return destinationOf(fallback, name, name, ns);
    },
    pinged(ns) {
      if (ns !== undefined) return named(ns);
      return all.length === 1 ? all[0] : undefined;
    },
  };
}

/** Routes every request to `upstream`, whatever its path and its `ns` name, as a registry of the Distribution project does. */
export function createSingleUpstreamTable(upstream: CachedUpstream): UpstreamTable {
  const isHub = isDockerHub(upstream);
  return {
    all: [upstream],
    fallback: upstream,
    destination: (name) => ({
      upstream,
      repository: repositoryOf(name, isHub),
      visibleName: name,
      ns: undefined,
    }),
    pinged: () => upstream,
  };
}

/** Docker Hub keeps its one-component names, such as `alpine`, under `library/`; clients expand them only for docker.io itself. */
function repositoryOf(name: string, isHub: boolean): RepositoryName {
  return parseRepositoryName(isHub && !name.includes('/') ? `library/${name}` : name);
}

function isDockerHub(upstream: CachedUpstream): boolean {
  return new URL(upstream.config.remoteURL).host === 'registry-1.docker.io';
}

function unknownUpstream(name: string, all: readonly CachedUpstream[]): LarderError {
  return new LarderError(
    'NAME_UNKNOWN',
    `${JSON.stringify(name.slice(0, 150))} is not a configured upstream; configured: ${listed(all)}`,
  );
}

function noDefault(name: string, all: readonly CachedUpstream[]): LarderError {
  return new LarderError(
    'NAME_UNKNOWN',
    `no upstream for ${JSON.stringify(name.slice(0, 150))}: begin the name with a configured upstream (${listed(all)}), ` +
      'or send ?ns=<upstream>, or set --default-upstream',
  );
}

function listed(all: readonly CachedUpstream[]): string {
  return all.map((upstream) => upstream.name).join(', ') || 'none';
}
