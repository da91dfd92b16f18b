import { basename } from 'node:path';
import type { Clock } from '../../kit/clock.ts';
import type { Reservation } from './reservation.ts';
import type { Scope } from '../content/ledger.ts';
import { removeSpool } from '../sums/sum-log.ts';
import type { Trash } from '../files/trash.ts';

interface PartialBody {
  readonly path: string;
  readonly since: number;
  readonly reservation: Reservation;
}

/** A partial body is kept for this long for a fill that fetches the rest. */
const LIFETIME_MS = 24 * 60 * 60 * 1000;

/** Beginnings of bodies in `spool/` without a running fill. Kept for the next fill, and the first to be removed for room. */
export class PartialBodies {
  readonly #trash: Trash;
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #byPath = new Map<string, PartialBody>();

  constructor(deps: { trash: Trash; clock: Clock }) {
    this.#trash = deps.trash;
    this.#clock = deps.clock;
  }

  /** Takes over the file and its reservation. */
  keep(path: string, reservation: Reservation, since = this.#clock.now()): void {
    this.#byPath.set(path, { path, since, reservation });
  }

  /** Lists all, oldest first. */
  list(): { path: string; name: string; size: number; upstream: string | undefined }[] {
    return [...this.#byPath.values()].map(({ path, reservation: { bytes, upstream } }) => ({
      path,
      name: basename(path),
      size: bytes,
      upstream,
    }));
  }

  /** Removes the one at `path`. False if there is none, perhaps because a fill has taken it. */
  async remove(path: string): Promise<boolean> {
    const partial = this.#byPath.get(path);
    if (partial === undefined) return false;
    await this.#remove(partial);
    return true;
  }

  /** Bytes at `path`; 0 if there is no partial body. */
  bytesAt(path: string): number {
    return this.#byPath.get(path)?.reservation.bytes ?? 0;
  }

  /** Hands a file to a fill that continues it, with its reservation. Undefined if there is none at `path`. */
  take(path: string): Reservation | undefined {
    const partial = this.#byPath.get(path);
    this.#byPath.delete(path);
    return partial?.reservation;
  }

  /** Bytes that {@link PartialBodies.free} can free in `scope`. */
  bytesOf(scope: Scope): number {
    let bytes = 0;
    for (const { reservation } of this.#byPath.values()) {
      if (inScope(reservation, scope)) bytes += reservation.bytes;
    }
    return bytes;
  }

  /** Removes the oldest until `bytes` are freed. Returns the number of freed bytes. */
  async free(scope: Scope, bytes: number): Promise<number> {
    let freed = 0;
    for (const partial of this.#byPath.values()) {
      if (freed >= bytes) break;
      if (!inScope(partial.reservation, scope)) continue;
      freed += partial.reservation.bytes;
      await this.#remove(partial);
    }
    return freed;
  }

  /** Removes those that no fill continued in time. */
  async expire(): Promise<void> {
    const before = this.#clock.now() - LIFETIME_MS;
    for (const partial of this.#byPath.values()) if (partial.since < before) await this.#remove(partial);
  }

  async #remove({ path, reservation }: PartialBody): Promise<void> {
    this.#byPath.delete(path);
    await removeSpool(this.#trash, path);
    reservation.release();
  }
}

function inScope(reservation: Reservation, scope: Scope): boolean {
  return scope === undefined || reservation.upstream === scope;
}
