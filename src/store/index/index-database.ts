import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { isDamage, isFull, openDatabase } from './database.ts';

export type Row = Readonly<Record<string, unknown>>;
export type Value = string | number | null | Uint8Array;

export interface IndexListeners {
  /** Damage found at run time has made the index begin again from nothing. */
  lost(): void;
  /** The disk has no room for a change. */
  full(): void;
}

/** Milliseconds between two log lines about failures. */
const QUIET_MS = 60_000;

/**
 * A database that does not throw (law 2: a full disk or a dead index never fails a pull). What it cannot answer is answered as
 * if it knew nothing, what it cannot write is told by {@link IndexDatabase.transaction}, and failures are logged once a minute.
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
  /** True when it began empty at this start. */
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

  /** Called back in the middle of a change: whoever listens acts later. */
  listen(listeners: IndexListeners): void {
    this.#listeners = listeners;
  }

  /** The first row; statements are prepared once by their text. */
  row(text: string, ...values: Value[]): Row | undefined {
    return this.#attempt(undefined, () => this.#sql(text).get(...values));
  }

  rows(text: string, ...values: Value[]): Row[] {
    return this.#attempt([], () => this.#sql(text).all(...values));
  }

  /** Number of rows changed. */
  run(text: string, ...values: Value[]): number {
    return this.#attempt(0, () => Number(this.#sql(text).run(...values).changes));
  }

  /** Runs `work` as one transaction, or as a part of one that is open already. False when anything in it has failed. */
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

  /** Bytes on disk now, the log and a broken index of earlier included. */
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
    // SQLite rolls back by itself when the disk is full: what failed in there was counted then.
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
      this.#logger.error('the store index fails, content is served without it', { error: errorText(error) });
    }
    if (isDamage(error)) this.#startOver();
    else if (isFull(error)) this.#listeners?.full();
  }

  #startOver(): void {
    try {
      this.#database.close();
    } catch {
      // It is damaged: nothing in it is worth more than the attempt.
    }
    this.#statements.clear();
    this.#database = openDatabase(this.#path, this.#walPages, this.#logger).database;
    this.#listeners?.lost();
  }
}
