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

/** How long the beginning of a body waits for somebody to fetch the rest. */
export const LEFTOVER_LIFETIME_MS = 24 * 60 * 60 * 1000;

/** Beginnings of bodies in `spool/` that no fill works on: kept for the next one, and the first to go when room is needed. */
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

  /** All of them, the oldest first. */
  list(): { path: string; name: string; size: number; upstream: string | undefined }[] {
    return [...this.#byPath.values()].map(({ path, reservation: { bytes, upstream } }) => ({
      path,
      name: basename(path),
      size: bytes,
      upstream,
    }));
  }

  /** False when there is none at `path`, since a fill goes on with it, perhaps. */
  async remove(path: string): Promise<boolean> {
    const leftover = this.#byPath.get(path);
    if (leftover === undefined) return false;
    await this.#remove(leftover);
    return true;
  }

  /** Bytes waiting at `path`. */
  bytesAt(path: string): number {
    return this.#byPath.get(path)?.reservation.bytes ?? 0;
  }

  /** Gives back the reservation of a file that is to be continued; undefined when there is none at `path`. */
  take(path: string): Reservation | undefined {
    const leftover = this.#byPath.get(path);
    this.#byPath.delete(path);
    return leftover?.reservation;
  }

  /** Bytes that {@link PartialBodies.free} could free in `scope`. */
  bytesOf(scope: Scope): number {
    let bytes = 0;
    for (const { reservation } of this.#byPath.values()) {
      if (inScope(reservation, scope)) bytes += reservation.bytes;
    }
    return bytes;
  }

  /** Removes the oldest until `bytes` are free; gives how many it has freed. */
  async free(scope: Scope, bytes: number): Promise<number> {
    let freed = 0;
    for (const leftover of this.#byPath.values()) {
      if (freed >= bytes) break;
      if (!inScope(leftover.reservation, scope)) continue;
      freed += leftover.reservation.bytes;
      await this.#remove(leftover);
    }
    return freed;
  }

  /** Removes those that nobody came back for. */
  async expire(): Promise<void> {
    const before = this.#clock.now() - LEFTOVER_LIFETIME_MS;
    for (const leftover of this.#byPath.values()) if (leftover.since < before) await this.#remove(leftover);
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
