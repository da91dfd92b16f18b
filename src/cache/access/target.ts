import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import type { Origin } from '../../store/types.ts';
import type { Upstream } from '../../upstream/types.ts';
import type { Requester } from './requester.ts';

/** One configured cache: its settings and the client that talks to its upstream. */
export interface CachedUpstream {
  readonly name: string;
  readonly config: CacheConfig;
  readonly client: Upstream;
}

/** Where a request goes, and how the client named it, so that links can be written back in the client's own terms. */
export interface Destination {
  readonly upstream: CachedUpstream;
  readonly repository: RepositoryName;
  /** The name as it stood in the path, alias included. */
  readonly visibleName: string;
  readonly ns: string | undefined;
}

/** A destination, and on whose behalf it is asked. */
export interface Target extends Destination {
  readonly requester: Requester;
}

/** The repository that content of a destination belongs to. */
export function originOf({ upstream, repository }: Pick<Destination, 'upstream' | 'repository'>): Origin {
  return { upstream: upstream.name, repository };
}

/** How content is called in messages: `docker.io/library/alpine:3.22`, or with `@` and a digest. */
export function contentName({ upstream, repository }: Destination, reference: Tag | Digest): string {
  return `${upstream.name}/${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
}
