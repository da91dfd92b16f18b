import { unlinkSync } from 'node:fs';
import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { isDigest, type Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { Catalog, UnadoptedContent } from '../content/catalog.ts';
import { moveSync } from '../files/disk.ts';
import { fileAt } from '../files/entries.ts';
import type { Layout } from '../files/layout.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { RepositoryId } from '../types.ts';
import { LINK_KINDS, type DistributionLayout } from './distribution-layout.ts';
import { linkTextAt } from './link-text.ts';
import type { PendingBytes } from './pending-bytes.ts';

export interface UnadoptedDeps {
  readonly layout: Layout;
  readonly distribution: DistributionLayout;
  readonly index: ContentIndex;
  readonly catalog: Catalog;
  readonly pending: PendingBytes;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Source of all content of a Distribution registry. */
export interface AdoptedUpstream {
  readonly upstream: string;
  /** True if the registry asked its upstream without a login, so that everything there was open to everyone when it came. */
  readonly isPublic: boolean;
}

/** Time of a proof that never counts: the upstream has refused anonymous callers, and no older link may say otherwise. */
const REFUSED = 0;

/**
 * Accept classes of containerd, Docker, Podman and skopeo, and crane (see `acceptClass`). Distribution does not record what the client of a
 * tag accepted. These clients accept every kind of manifest, so the answer is right for each of them.
 */
const COMMON_ACCEPT_CLASSES = ['*dilm', '*dilms', 'dilm', 'dilms'];

/**
 * The part of a Distribution registry that is not adopted yet. Takes over one blob, link or tag by its path, when it is requested. All
 * methods are synchronous and take microseconds, and none throws.
 */
export class Unadopted implements UnadoptedContent {
  readonly upstream: string;
  readonly #isPublic: boolean;
  readonly #deps: UnadoptedDeps;
  /** Number of times that the disk refused. What it refused is there still. */
  failures = 0;

  constructor(deps: UnadoptedDeps, { upstream, isPublic }: AdoptedUpstream) {
    this.#deps = deps;
    this.upstream = upstream;
    this.#isPublic = isPublic;
  }

  take(digest: Digest): boolean {
    return this.#settle(digest, (path) => moveSync(path, this.#deps.layout.blob(digest)));
  }

  /** Removes a blob that the store has already. */
  drop(digest: Digest): boolean {
    return this.#settle(digest, unlinkSync);
  }

  isLinked(digest: Digest, { upstream, repository }: RepositoryId): boolean {
    if (upstream !== this.upstream) return false;
    for (const kind of LINK_KINDS) {
      const link = this.#deps.distribution.link(repository, kind, digest);
      const file = this.#attempt('a link', () => fileAt(link));
      if (file === undefined) continue;
      this.#notePublic({ upstream, repository }, file.mtimeMs);
      return true;
    }
    return false;
  }

  /**
   * Enters the tag into the index for clients that accept every kind of manifest, unless a newer answer is there. True if the registry has the tag
   * and its manifest.
   */
  takeTag({ upstream, repository }: RepositoryId, tag: Tag): boolean {
    if (upstream !== this.upstream) return false;
    const { distribution, index, catalog, clock } = this.#deps;
    const link = distribution.tagLink(repository, tag);
    const file = this.#attempt('a tag', () => fileAt(link));
    const digest = file && this.#attempt('a tag', () => linkTextAt(link));
    const row = digest !== undefined && isDigest(digest) ? catalog.get(digest) : undefined;
    if (file === undefined || row?.mediaType === undefined) return false;
    const { mediaType, size } = row;
    const validatedAt = Math.floor(Math.min(file.mtimeMs, clock.now()));
    index.transaction(() => {
      for (const acceptClass of COMMON_ACCEPT_CLASSES) {
        const key = { upstream, repository, tag, acceptClass };
        if ((index.tags.get(key)?.validatedAt ?? -Infinity) < validatedAt)
          index.tags.put(key, { digest: row.digest, mediaType, size, validatedAt });
      }
    });
    this.#notePublic({ upstream, repository }, file.mtimeMs);
    return true;
  }

  /** Forgets a tag that the upstream does not have any more. */
  dropTag({ upstream, repository }: RepositoryId, tag: Tag): void {
    if (upstream !== this.upstream) return;
    const link = this.#deps.distribution.tagLink(repository, tag);
    this.#attempt('a tag', () => {
      if (fileAt(link) !== undefined) unlinkSync(link);
    });
  }

  /** Notes that the upstream has refused anonymous callers in the repository. */
  refusePublic(repositoryId: RepositoryId): void {
    this.#deps.index.publicRepositories.set(repositoryId, REFUSED);
  }

  /** The upstream has served an anonymous request at `at`, in milliseconds since the epoch. */
  #notePublic(repositoryId: RepositoryId, at: number): void {
    if (!this.#isPublic) return;
    const { index, clock } = this.#deps;
    const provenAt = Math.floor(Math.min(at, clock.now()));
    const known = index.publicRepositories.at(repositoryId);
    if (known === undefined || (known !== REFUSED && known < provenAt))
      index.publicRepositories.set(repositoryId, provenAt);
  }

  /** Does `work` with the file of a blob. False if there is none, or if the disk refuses. */
  #settle(digest: Digest, work: (path: string) => void): boolean {
    const { distribution, pending } = this.#deps;
    const path = distribution.blob(digest);
    return (
      this.#attempt('a blob', () => {
        const file = fileAt(path);
        if (file === undefined) return false;
        work(path);
        pending.taken(digest, file.size);
        return true;
      }) ?? false
    );
  }

  /** Undefined if the disk refuses, which is logged once. */
  #attempt<T>(what: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (this.failures === 0)
        this.#deps.logger.warn(`${what} of the Distribution registry cannot be adopted`, {
          error: errorText(error),
        });
      this.failures += 1;
      return undefined;
    }
  }
}
