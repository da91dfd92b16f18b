import { DatabaseSync } from 'node:sqlite';
import { LarderError, errorText } from '../../kit/errors.ts';

/** SQLite's result code if another connection has the lock (https://www.sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5;

/**
 * Locks the store for this process, with an empty database and `BEGIN EXCLUSIVE`. Node has no file locks of its own; SQLite's are POSIX
 * record locks, which the kernel frees however the process ends. The journal in memory makes it work on a full disk. Returns a function
 * that unlocks. Throws `STORE_IN_USE`, or `STORE_UNUSABLE` if the file system cannot lock.
 */
export function lockStore(path: string, directory: string): () => void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new LarderError('STORE_IN_USE', `store ${directory} is in use by another process`, {
        hint: 'stop the other one, or give this one a directory of its own with --store',
      });
    }
    throw new LarderError('STORE_UNUSABLE', `store ${directory} cannot be locked: ${errorText(error)}`, {
      hint: `the file system must support POSIX locks, and ${path} must be writable`,
      cause: error,
    });
  }
  const held = database;
  return () => held.close();
}
