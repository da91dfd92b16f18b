import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { isDamage, isFull, openDatabase } from './database.ts';

export type Row = Readonly<Record<string, unknown>>;
export type Value = string | number | null | Uint8Array;

export interface IndexListeners {
  /** Damage found at run time has replaced the index by an empty one. */
  lost(): void;
  /** The disk has no room for a change. */
  full(): void;
}

/** Milliseconds between two log lines about failures. */
const QUIET_MS = 60_000;

/**
 * A database that does not throw (docs/laws.md, "Do no harm": a full disk or a dead index never fails a pull). A query that fails
 * returns no rows. A write that fails makes {@link IndexDatabase.transaction} return false. Failures are logged once a minute.
 */
export class IndexDatabase {
  readonly #path: string;
  readonly #walPages: number;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #statements = new Map<string, StatementSync>();
  #database: DatabaseSync;
  #failures = 0;
  #quietUntil = 0;
  #closed = false;
  #listeners: IndexListeners | undefined;
  /** True if the index was empty at this start. */
  readonly isNew: boolean;

  constructor(deps: { logger: Logger; clock: Clock }, path: string, walPages: number) {
    this.#path = path;
    this.#walPages = walPages;
    this.#logger = deps.logger;
    this.#clock = deps.clock;
    const opened = openDatabase(path, walPages, deps.logger);
    this.#database = opened.database;
    this.isNew = opened.isNew;
  }

  /** Listeners are called in the middle of a change and must act later. */
  listen(listeners: IndexListeners): void {
    this.#listeners = listeners;
  }

  /** Returns the first row. Each statement text is prepared once. */
  row(text: string, ...values: Value[]): Row | undefined {
    return this.#attempt(undefined, () => this.#sql(text).get(...values));
  }

  rows(text: string, ...values: Value[]): Row[] {
    return this.#attempt([], () => this.#sql(text).all(...values));
  }

  /** Returns the number of changed rows. */
  run(text: string, ...values: Value[]): number {
    return this.#attempt(0, () => Number(this.#sql(text).run(...values).changes));
  }

  /** Runs `work` as one transaction, or as a part of the open one. False if anything in it has failed. */
  transaction(work: () => void): boolean {
    const failuresBefore = this.#failures;
    if (this.#closed || this.#database.isTransaction) {
      work();
      return this.#failures === failuresBefore;
    }
    this.#attempt(undefined, () => this.#database.exec('BEGIN'));
    try {
      work();
    } finally {
      this.#attempt(undefined, () => this.#commit());
    }
    return this.#failures === failuresBefore;
  }

  /** Makes all changes survive a power cut. False if they do not, as those of an index in memory. */
  sync(): boolean {
    const failuresBefore = this.#failures;
    const isOnDisk = this.#attempt(false, () => this.#database.location() !== null);
    const busy = this.row('PRAGMA wal_checkpoint(FULL)')?.['busy'];
    return isOnDisk && busy === 0 && this.#failures === failuresBefore;
  }

  /** Current bytes on disk, including the log and a broken index that was moved aside. */
  diskBytes(): number {
    let bytes = 0;
    for (const suffix of ['', '-wal', '.broken']) {
      bytes += statSync(this.#path + suffix, { throwIfNoEntry: false })?.size ?? 0;
    }
    return bytes;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#database.close();
    } catch (error) {
      this.#logger.warn('the store index did not close cleanly', { error: errorText(error) });
    }
  }

  #commit(): void {
    // SQLite rolls back by itself on a full disk; the failed statement was counted then.
    if (!this.#database.isTransaction) return;
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #attempt<T>(otherwise: T, work: () => T): T {
    if (this.#closed) return otherwise;
    try {
      return work();
    } catch (error) {
      this.#failed(error);
      return otherwise;
    }
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    if (this.#clock.now() >= this.#quietUntil) {
      this.#quietUntil = this.#clock.now() + QUIET_MS;
      this.#logger.error('store index failed; content is served without it', { error: errorText(error) });
    }
    if (isDamage(error)) this.#startOver();
    else if (isFull(error)) this.#listeners?.full();
  }

  #startOver(): void {
    try {
      this.#database.close();
    } catch {
      // The index is damaged; a failed close loses nothing.
    }
    this.#statements.clear();
    this.#database = openDatabase(this.#path, this.#walPages, this.#logger).database;
    this.#listeners?.lost();
  }
}
