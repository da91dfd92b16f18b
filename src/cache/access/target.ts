import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import type { RepositoryId } from '../../store/types.ts';
import type { Upstream } from '../../upstream/types.ts';
import type { Requester } from './requester.ts';

/** One configured cache: its settings and the client that talks to its upstream. */
export interface CachedUpstream {
  readonly name: string;
  readonly config: CacheConfig;
  readonly client: Upstream;
}

/** The repository that a request goes to, and the client's own name for it, in which links are written back. */
export interface Destination {
  readonly upstream: CachedUpstream;
  readonly repository: RepositoryName;
  /** The name as in the request path, alias included. */
  readonly visibleName: string;
  readonly ns: string | undefined;
}

/** A destination and the requester on whose behalf it is asked. */
export interface Target extends Destination {
  readonly requester: Requester;
}

/** The repository that content of a destination belongs to. */
export function repositoryIdOf({
  upstream,
  repository,
}: Pick<Destination, 'upstream' | 'repository'>): RepositoryId {
  return { upstream: upstream.name, repository };
}

/** Name of content for messages: `docker.io/library/alpine:3.22`, or with `@` and a digest. */
export function contentName({ upstream, repository }: Destination, reference: Tag | Digest): string {
  return `${upstream.name}/${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
}
