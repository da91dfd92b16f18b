import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseImageOrDigest, type ImageReference } from '../../oci/image-reference.ts';
import { MANIFEST_SIZE_LIMIT, parseManifest } from '../../oci/manifest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { Inventory } from '../index/inventory.ts';
import type { Layout } from '../files/layout.ts';
import type { Ledger } from '../content/ledger.ts';
import type { Report } from './maintenance.ts';
import { createPace } from './pace.ts';
import type { Prove } from '../damage/prove.ts';
import type { ContentType, Origin } from '../types.ts';

export interface VerifyOptions {
  /** An image, or the digest of any content, as people write them; all that is stored when undefined. */
  readonly image?: string | undefined;
  /** How fast to read at most; undefined: as fast as the disk can. */
  readonly bytesPerSecond?: number | undefined;
  /** Fetches damaged content anew; throws when that is not possible. Without it damaged content is only taken out of service. */
  readonly repair?: ((content: DamagedContent, signal: AbortSignal) => Promise<void>) | undefined;
}

/** Content that is out of service because its bytes were wrong. */
export interface DamagedContent {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** Some of the repositories that it was delivered or confirmed through. */
  readonly origins: readonly Origin[];
}

export type VerifyEvent = VerifyProgress | VerifyFinding;

export interface VerifyProgress {
  readonly event: 'progress';
  readonly checkedObjects: number;
  readonly checkedBytes: number;
  /** As far as it is known by now. */
  readonly totalObjects: number;
  readonly totalBytes: number;
}

export interface VerifyFinding {
  readonly event: 'finding';
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** `damaged`: it is out of service, and the next pull fetches it anew. `repaired`: it was fetched anew. `unreadable`: nobody knows. */
  readonly state: 'damaged' | 'repaired' | 'unreadable';
  /** Some of them, with their upstream. */
  readonly repositories: readonly string[];
  /** Why it could not be read, or not be fetched anew. */
  readonly reason?: string;
}

export interface VerifyResult {
  readonly checkedObjects: number;
  readonly checkedBytes: number;
  /** Found damaged, those that were repaired included. */
  readonly damaged: number;
  readonly repaired: number;
  readonly unreadable: number;
  /** Parts of the image that are not stored, such as its other platforms. */
  readonly missing: number;
}

export interface VerifyDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly index: ContentIndex;
  readonly inventory: Inventory;
  readonly ledger: Ledger;
  readonly prove: Prove;
  /** Resolves when the index has all that is on disk. */
  readonly walked: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
}

type Verify = (
  options: VerifyOptions,
  signal: AbortSignal,
  report: Report<VerifyEvent>,
) => Promise<VerifyResult>;

/** Rows read from the index at a time. */
const PAGE = 256;
/** Milliseconds between two reports of progress. */
const PROGRESS_MS = 500;
/** Far above any image; bounds the memory that one with nested indexes can take. */
const PART_LIMIT = 100_000;

/** See `Maintenance.verify`. Damaged content is out of service whether it can be repaired or not: nobody is to get it. */
export function createVerify(deps: VerifyDeps): Verify {
  const { catalog, index, inventory, ledger, prove, clock } = deps;

  return async function verify({ image, bytesPerSecond, repair }, signal, report) {
    await deps.walked(signal);
    const sums = { checkedObjects: 0, checkedBytes: 0, damaged: 0, repaired: 0, unreadable: 0, missing: 0 };
    const total = { objects: ledger.objects, bytes: ledger.contentOf(undefined) };
    const contents = image === undefined ? everything() : partsOf(rootsOf(image));
    const pace = bytesPerSecond === undefined ? undefined : createPace(clock, { bytesPerSecond });
    let partBytes = 0;
    let reportedAt = -Infinity;

    await progress();
    for await (const digest of contents) {
      signal.throwIfAborted();
      await check(digest);
    }
    reportedAt = -Infinity;
    await progress();
    return sums;

    async function check(digest: Digest): Promise<void> {
      const row = catalog.get(digest);
      if (row === undefined) return;
      const content = { ...row, origins: inventory.origins(digest) };
      try {
        const proof = await prove(digest, signal, async (bytes) => {
          await pace?.(bytes, signal);
          partBytes += bytes;
          await progress();
        });
        partBytes = 0;
        if (proof === 'absent') return;
        sums.checkedObjects += 1;
        sums.checkedBytes += row.size;
        if (proof === 'damaged') await damaged(content);
      } catch (error) {
        signal.throwIfAborted();
        partBytes = 0;
        sums.unreadable += 1;
        await report(finding(content, 'unreadable', errorText(error)));
      }
    }

    async function damaged(content: DamagedContent): Promise<void> {
      sums.damaged += 1;
      if (repair === undefined) return report(finding(content, 'damaged'));
      try {
        await repair(content, signal);
      } catch (error) {
        signal.throwIfAborted();
        return report(finding(content, 'damaged', errorText(error)));
      }
      sums.repaired += 1;
      return report(finding(content, 'repaired'));
    }

    async function progress(): Promise<void> {
      if (clock.monotonic() - reportedAt < PROGRESS_MS) return;
      reportedAt = clock.monotonic();
      await report({
        event: 'progress',
        checkedObjects: sums.checkedObjects,
        checkedBytes: sums.checkedBytes + partBytes,
        totalObjects: total.objects,
        totalBytes: total.bytes,
      });
    }

    async function* partsOf(roots: readonly Digest[]): AsyncGenerator<Digest> {
      // A set is walked in the order of its additions, those made meanwhile included.
      const parts = new Set<Digest>();
      Object.assign(total, { objects: 0, bytes: 0 });
      for (const digest of roots) add(digest);
      for (const digest of parts) {
        yield digest;
        for (const child of await childrenOf(digest)) add(child);
      }

      function add(digest: Digest): void {
        if (parts.has(digest) || parts.size >= PART_LIMIT) return;
        const row = catalog.get(digest);
        if (row === undefined) {
          sums.missing += 1;
          return;
        }
        parts.add(digest);
        total.objects += 1;
        total.bytes += row.size;
      }
    }
  };

  async function* everything(): AsyncGenerator<Digest> {
    let last: Digest | undefined;
    for (;;) {
      const page = inventory.after(last, PAGE);
      if (page.length === 0) return;
      for (const { digest } of page) yield digest;
      last = page.at(-1)?.digest;
    }
  }

  /** What a manifest names, read after it was found right; nothing when it is no manifest or is gone. */
  async function childrenOf(digest: Digest): Promise<Digest[]> {
    const row = catalog.get(digest);
    if (row?.type !== 'manifest' || row.size > MANIFEST_SIZE_LIMIT) return [];
    const content = await readFile(deps.layout.blob(digest)).catch(() => undefined);
    const manifest = content === undefined ? undefined : parseManifest(content);
    return [...(manifest?.manifests ?? []), ...(manifest?.blobs ?? [])].map((one) => one.digest);
  }

  /** The digests that `image` leads to: a tag may have one for each kind of client. */
  function rootsOf(image: string): Digest[] {
    const names = new Set(ledger.perUpstream().map(([name]) => name));
    const asked = parseImageOrDigest(image, (host) => names.has(host));
    const stored = typeof asked === 'string' ? [asked] : digestsOf(asked);
    const found = stored.filter((digest) => catalog.get(digest) !== undefined);
    if (found.length > 0) return found;
    throw new LarderError('NOT_STORED', `${image} is not stored`, {
      hint:
        typeof asked === 'string'
          ? 'the digests of an image are in its manifest; without one, everything is checked'
          : 'name it as it was pulled, with its registry before it unless that is docker.io',
    });
  }

  function digestsOf({ upstream, repository, reference }: ImageReference): Digest[] {
    const origin = { upstream, repository };
    if (reference.kind === 'tag') {
      return [...new Set(index.tags.classes(origin, reference.tag).map(({ entry }) => entry.digest))];
    }
    return ['linked', 'unlinked'].includes(catalog.presence(reference.digest, origin))
      ? [reference.digest]
      : [];
  }
}

function finding(
  { digest, size, type, origins }: DamagedContent,
  state: VerifyFinding['state'],
  reason?: string,
): VerifyFinding {
  const repositories = origins.map(({ upstream, repository }) => `${upstream}/${repository}`);
  return {
    event: 'finding',
    digest,
    size,
    type,
    state,
    repositories,
    ...(reason !== undefined && { reason }),
  };
}
