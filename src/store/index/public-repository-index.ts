import { LRUCache } from 'lru-cache';
import type { IndexDatabase } from './index-database.ts';
import type { Origin } from '../types.ts';

/** Some 150 bytes each. */
const IN_MEMORY = 10_000;

/** Busy repositories are proven public several times a minute; a restart may forget this much of it. */
const WRITTEN_EVERY_MS = 60_000;

/**
 * Which repositories their upstream serves to anybody, and when it last did. In the index, because an outage may begin before
 * a restart; in memory, because every anonymous request asks. What cannot be written is remembered all the same.
 */
export class PublicRepositoryIndex {
  readonly #database: IndexDatabase;
  readonly #memory = new LRUCache<string, { at: number; writtenAt: number }>({ max: IN_MEMORY });

  constructor(database: IndexDatabase) {
    this.#database = database;
  }

  /** Milliseconds since the epoch; undefined when it is not known to be public. */
  at(origin: Origin): number | undefined {
    const remembered = this.#memory.get(nameOf(origin));
    if (remembered !== undefined) return remembered.at;
    const row = this.#database.row(
      'SELECT proven_at FROM public_repositories WHERE upstream = ? AND repository = ?',
      origin.upstream,
      origin.repository,
    );
    const at = row?.['proven_at'] as number | undefined;
    if (at !== undefined) this.#memory.set(nameOf(origin), { at, writtenAt: at });
    return at;
  }

  set(origin: Origin, at: number): void {
    const known = this.#memory.get(nameOf(origin));
    const isDue = known === undefined || Math.abs(at - known.writtenAt) >= WRITTEN_EVERY_MS;
    this.#memory.set(nameOf(origin), { at, writtenAt: isDue ? at : known.writtenAt });
    if (!isDue) return;
    this.#database.run(
      'INSERT OR REPLACE INTO public_repositories (upstream, repository, proven_at) VALUES (?, ?, ?)',
      origin.upstream,
      origin.repository,
      at,
    );
  }

  remove(origin: Origin): void {
    if (this.at(origin) === undefined) return;
    this.#memory.delete(nameOf(origin));
    this.#database.run(
      'DELETE FROM public_repositories WHERE upstream = ? AND repository = ?',
      origin.upstream,
      origin.repository,
    );
  }
}

/** No part can hold a blank. */
function nameOf({ upstream, repository }: Origin): string {
  return `${upstream} ${repository}`;
}
