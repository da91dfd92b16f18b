import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';

/** Rises with every change of {@link SCHEMA}. An index of an unknown version is rebuilt from the files. */
const SCHEMA_VERSION = 5;

const PUBLIC_REPOSITORIES = `
  CREATE TABLE public_repositories (
    upstream TEXT NOT NULL, repository TEXT NOT NULL, proven_at INTEGER NOT NULL,
    PRIMARY KEY (upstream, repository)
  ) STRICT, WITHOUT ROWID;
`;

const SUMS = `
  CREATE TABLE sums (digest TEXT PRIMARY KEY, sums BLOB NOT NULL) STRICT;
`;

const CONTENTS_BY_WORTH = 'CREATE INDEX contents_by_worth ON contents (type, worth);';

/**
 * `contents.worth`: the order of eviction, see worth.ts.
 * `holders`: the upstreams that delivered content, and whose budgets it counts for. Content without a row was found on disk without an
 * index.
 * `links`: the repositories that content was delivered or confirmed through. `caller_at` is 0 for a link that was made without a caller's
 * login, else its time: such content is for others only if the repository was public later.
 * `sums`: the sums of the chunks of content, see chunk-sums.ts. Content without a row is hashed before it is first read.
 * `public_repositories`: repositories that their upstream serves to anonymous callers.
 */
const SCHEMA = `
  CREATE TABLE contents (
    digest TEXT PRIMARY KEY, size INTEGER NOT NULL, type TEXT NOT NULL, media_type TEXT,
    stored_at INTEGER NOT NULL, used_at INTEGER NOT NULL,
    worth INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX contents_by_use ON contents (type, used_at);
  ${CONTENTS_BY_WORTH}
  CREATE TABLE holders (
    digest TEXT NOT NULL, upstream TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (digest, upstream)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE links (
    digest TEXT NOT NULL, upstream TEXT NOT NULL, repository TEXT NOT NULL, caller_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (digest, upstream, repository)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tags (
    upstream TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, accept_class TEXT NOT NULL,
    digest TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL, validated_at INTEGER NOT NULL,
    PRIMARY KEY (upstream, repository, tag, accept_class)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tags_by_digest ON tags (digest);
  CREATE INDEX tags_by_age ON tags (validated_at);
  ${PUBLIC_REPOSITORIES}
  ${SUMS}
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Statements that turn an index of each version into one of the next, keeping its rows.
 * Version 1 has links from anonymous requests and configured credentials only.
 * Version 2 has no sums: content is verified as a whole and then recognised by its modification time. Its sums are made when it is
 * first read.
 * Version 3 orders eviction by the last use together with the size.
 * Version 4 does not know for whom a link was made, so any may have been made for a caller's own login.
 */
const STEPS: Readonly<Record<number, string>> = {
  1: PUBLIC_REPOSITORIES,
  2: `ALTER TABLE contents DROP COLUMN verified_mtime; ${SUMS}`,
  3: `ALTER TABLE contents ADD COLUMN worth INTEGER NOT NULL DEFAULT 0; UPDATE contents SET worth = used_at; ${CONTENTS_BY_WORTH}`,
  4: `ALTER TABLE links ADD COLUMN caller_at INTEGER NOT NULL DEFAULT 0;
    UPDATE links SET caller_at = CAST(unixepoch('subsec') * 1000 AS INTEGER);`,
};

export interface OpenedDatabase {
  readonly database: DatabaseSync;
  /** True if nothing of an earlier index could be used, so that the files must be walked. */
  readonly isNew: boolean;
}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html). */
const SQLITE_ERROR = 1;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/**
 * Opens the index at `path`. An index that is damaged or of an unknown version is moved to `<path>.broken` (one is kept), and a new one is
 * created. If the disk does not allow to open or create one, the index is in memory for this run, because pulls must go on; the file
 * stays as it is. `walPages` bounds the write-ahead log (pages of 4 KiB); a larger log means fewer syncs.
 */
export function openDatabase(path: string, walPages: number, logger: Logger): OpenedDatabase {
  try {
    return open(path, walPages);
  } catch (error) {
    const damaged = isDamage(error) || resultCode(error) === SQLITE_ERROR;
    logger.warn('store index unusable; its content is rebuilt from the files', {
      error: errorText(error),
      damaged,
    });
    if (damaged) {
      try {
        moveAside(path);
        return open(path, walPages);
      } catch (again) {
        logger.error('no store index can be created; it is in memory for this run', {
          error: errorText(again),
        });
      }
    }
  }
  return open(':memory:', walPages);
}

/** True if the database file itself is damaged, as opposed to a disk that is full or fails. */
export function isDamage(error: unknown): boolean {
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(resultCode(error));
}

export function isFull(error: unknown): boolean {
  return resultCode(error) === SQLITE_FULL;
}

/** Primary result code; {@link SQLITE_ERROR} for errors that are not SQLite's. */
function resultCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? SQLITE_ERROR) & 0xff;
}

function open(path: string, walPages: number): OpenedDatabase {
  const database = new DatabaseSync(path);
  try {
    // Exclusive: this process owns the store (see lock.ts), so no shared memory file and no lock calls per query.
    // NORMAL: a power cut may lose the last transactions, never the consistency. The walk finds lost rows again on disk.
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = ${walPages}; PRAGMA journal_size_limit = ${walPages * 4096};
      PRAGMA temp_store = MEMORY;
    `);
    const version = Object.values(database.prepare('PRAGMA user_version').get() ?? {})[0];
    const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
    const isNew = version === 0 && tables === 0;
    if (isNew) database.exec(SCHEMA);
    else migrate(database, version);
    // Reads every page of the two tables that budgets are computed from, so that damage shows now rather than later.
    database.exec('SELECT sum(size) FROM contents; SELECT sum(size) FROM holders');
    return { database, isNew };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Throws if no steps lead from `version` to the current one. */
function migrate(database: DatabaseSync, version: unknown): void {
  for (let at = Number(version); at !== SCHEMA_VERSION; at += 1) {
    const step = STEPS[at];
    if (step === undefined) throw new Error(`schema version ${String(version)}, expected ${SCHEMA_VERSION}`);
    database.exec(`BEGIN; ${step} PRAGMA user_version = ${at + 1}; COMMIT;`);
  }
}

function moveAside(path: string): void {
  rmSync(`${path}-wal`, { force: true });
  rmSync(`${path}-shm`, { force: true });
  try {
    renameSync(path, `${path}.broken`);
  } catch {
    rmSync(path, { force: true, recursive: true });
  }
}
