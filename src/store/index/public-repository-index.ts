import { createRecentMap } from '../../kit/recent-map.ts';
import type { IndexDatabase } from './index-database.ts';
import type { RepositoryId } from '../types.ts';

/** About 150 bytes each. */
const IN_MEMORY = 10_000;

/** A busy repository is confirmed several times a minute. The index lags by up to this much, which a restart forgets. */
const WRITTEN_EVERY_MS = 60_000;

/**
 * Repositories that their upstream serves to anonymous callers, each with the time of the last such answer. They are in the index, because
 * an outage may begin before a restart, and in memory, because every anonymous request looks one up. Memory also keeps entries that could
 * not be written.
 */
export class PublicRepositoryIndex {
  readonly #database: IndexDatabase;
  readonly #memory = createRecentMap<string, { at: number; writtenAt: number }>(IN_MEMORY);

  constructor(database: IndexDatabase) {
    this.#database = database;
  }

  /** Milliseconds since the epoch; undefined if the repository is not known to be public. */
  at(repositoryId: RepositoryId): number | undefined {
    const remembered = this.#memory.get(nameOf(repositoryId));
    if (remembered !== undefined) return remembered.at;
    const row = this.#database.row(
      'SELECT proven_at FROM public_repositories WHERE upstream = ? AND repository = ?',
      repositoryId.upstream,
      repositoryId.repository,
    );
    const at = row?.['proven_at'] as number | undefined;
    if (at !== undefined) this.#memory.set(nameOf(repositoryId), { at, writtenAt: at });
    return at;
  }

  set(repositoryId: RepositoryId, at: number): void {
    const known = this.#memory.get(nameOf(repositoryId));
    const isDue = known === undefined || Math.abs(at - known.writtenAt) >= WRITTEN_EVERY_MS;
    this.#memory.set(nameOf(repositoryId), { at, writtenAt: isDue ? at : known.writtenAt });
    if (!isDue) return;
    this.#database.run(
      'INSERT OR REPLACE INTO public_repositories (upstream, repository, proven_at) VALUES (?, ?, ?)',
      repositoryId.upstream,
      repositoryId.repository,
      at,
    );
  }

  remove(repositoryId: RepositoryId): void {
    if (this.at(repositoryId) === undefined) return;
    this.#memory.delete(nameOf(repositoryId));
    this.#database.run(
      'DELETE FROM public_repositories WHERE upstream = ? AND repository = ?',
      repositoryId.upstream,
      repositoryId.repository,
    );
  }
}

/** Unique, because no part can contain a space. */
function nameOf({ upstream, repository }: RepositoryId): string {
  return `${upstream} ${repository}`;
}
