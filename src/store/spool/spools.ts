import { fstatSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { createDigestHash, type Digest } from '../../oci/digest.ts';
import type { Budget } from '../space/budget.ts';
import type { Reservation } from '../space/reservation.ts';
import { diskError, isDiskFull, openFile, truncate } from '../files/disk.ts';
import { ChunkSummer } from '../sums/chunk-sums.ts';
import { parseSpoolName, spoolName, spoolOfSumLog, type Layout } from '../files/layout.ts';
import type { PartialBodies } from '../space/partial-bodies.ts';
import { SharedFile } from '../files/shared-file.ts';
import { SpoolFile, type SpoolHome } from './spool-file.ts';
import { openSumLog, readLogged, removeSpool, sumLogBytes } from '../sums/sum-log.ts';
import type { Trash } from '../files/trash.ts';

export interface SpoolsDeps {
  readonly layout: Layout;
  readonly budget: Budget;
  readonly partialBodies: PartialBodies;
  readonly trash: Trash;
  readonly home: SpoolHome;
  readonly clock: Clock;
}

export interface Spools {
  /** See `SpoolStore.spool`. Continues the partial body of an earlier fill of this upstream. */
  begin(digest: Digest, upstream: string, size: number | undefined): Promise<SpoolFile>;
  /** See `SpoolStore.partialBytes`. */
  partialBytes(digest: Digest, upstream: string): number;
  /** Begins a spool for content that is whole in memory. It does not resume, and a crash loses it. */
  beginSmall(digest: Digest, upstream: string, size: number): Promise<SpoolFile>;
  /** Enters files of earlier runs into the budget, as partial bodies, and removes those that no fill can continue. */
  load(): Promise<void>;
}

export function createSpools(deps: SpoolsDeps): Spools {
  const { layout, budget, partialBodies, trash, home, clock } = deps;
  let small = 0;

  return {
    async begin(digest, upstream, size) {
      const path = join(layout.spool, spoolName(digest, upstream));
      const left = partialBodies.take(path);
      if (left !== undefined) return resume(digest, path, left, size);
      try {
        return await create(digest, path, await budget.reserve(upstream, bytesWithLog(size ?? 0)), true);
      } catch (error) {
        if (!isLarderError(error, 'STORE_FULL') || size === undefined) throw error;
        // The body may fit without its log.
        return create(digest, path, await budget.reserve(upstream, size), false);
      }
    },

    partialBytes: (digest, upstream) =>
      partialBodies.bytesAt(join(layout.spool, spoolName(digest, upstream))),

    async beginSmall(digest, upstream, size) {
      small += 1;
      const path = join(layout.spool, `small-${small}`);
      return create(digest, path, await budget.reserve(upstream, size), false);
    },

    async load() {
      const names = await readdir(layout.spool);
      const spools = names.filter((name) => parseSpoolName(name) !== undefined);
      const kept = new Set(spools);
      for (const name of names) {
        if (!kept.has(spoolOfSumLog(name) ?? name)) await trash.remove(join(layout.spool, name));
      }
      for (const name of spools) {
        const path = join(layout.spool, name);
        const known = parseSpoolName(name);
        const { size, mtimeMs } = await stat(path);
        if (known === undefined || size === 0) await removeSpool(trash, path);
        else partialBodies.keep(path, budget.adopt(known.upstream, bytesWithLog(size)), mtimeMs);
      }
    },
  };

  async function create(
    digest: Digest,
    path: string,
    reservation: Reservation,
    resumable: boolean,
  ): Promise<SpoolFile> {
    try {
      const fd = await openFile(path, 'w+').catch(async (error: unknown) => {
        if (!isDiskFull(error) || !(await home.freeDisk(1))) throw error;
        return openFile(path, 'w+');
      });
      const file = new SharedFile(fd);
      return new SpoolFile(home, {
        digest,
        path,
        file,
        hash: createDigestHash(digest),
        summer: new ChunkSummer(),
        clock,
        log: resumable ? await openSumLog(clock, path) : undefined,
        offset: 0,
        reservation,
      });
    } catch (error) {
      reservation.release();
      throw diskError(`begin to write ${digest}`, error);
    }
  }

  async function resume(digest: Digest, path: string, reservation: Reservation, size: number | undefined) {
    try {
      await reservation.grow(Math.max(0, bytesWithLog(size ?? 0) - reservation.bytes));
    } catch (error) {
      partialBodies.keep(path, reservation);
      throw error;
    }
    let file: SharedFile | undefined;
    try {
      file = new SharedFile(await openFile(path, 'r+'));
      const hash = createDigestHash(digest);
      const summer = new ChunkSummer();
      const found = fstatSync(file.fd).size;
      // A file larger than the body is not a beginning of it.
      const usable = size === undefined || found <= size ? found : 0;
      await readLogged(path, file.fd, usable, (bytes) => {
        hash.update(bytes);
        summer.update([bytes]);
      });
      await truncate(file.fd, summer.length);
      const log = await openSumLog(clock, path);
      return new SpoolFile(home, {
        digest,
        path,
        file,
        hash,
        summer,
        clock,
        log,
        offset: summer.length,
        reservation,
      });
    } catch {
      file?.release();
      return create(digest, path, reservation, true);
    }
  }
}

/** Bytes on disk of a spool of `size` bytes and its log. */
function bytesWithLog(size: number): number {
  return size + sumLogBytes(size);
}
