import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseImageOrDigest, type ImageReference } from '../../oci/image-reference.ts';
import { MANIFEST_SIZE_LIMIT, parseManifest } from '../../oci/manifest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { ContentIndex } from '../index/content-index.ts';
import { pagesOf, type Inventory } from '../index/inventory.ts';
import type { Layout } from '../files/layout.ts';
import type { Ledger } from '../content/ledger.ts';
import type { DamagedContent, Maintenance, VerifyFinding } from './maintenance.ts';
import { createPace } from './pace.ts';
import type { VerifyContent } from '../damage/verify-content.ts';

export interface VerifyDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly index: ContentIndex;
  readonly inventory: Inventory;
  readonly ledger: Ledger;
  readonly verifyContent: VerifyContent;
  /** Resolves when the index has all content on disk. */
  readonly whenWalked: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
}

/** Rows read from the index at a time. */
const PAGE = 256;
/** Milliseconds between two events of progress. */
const PROGRESS_MS = 500;
/** Far above the parts of any image. Bounds the memory that an image with nested indexes can take. */
const PART_LIMIT = 100_000;

/** See `Maintenance.verify`. Damaged content is out of service whether it can be repaired or not. */
export function createVerify(deps: VerifyDeps): Maintenance['verify'] {
  const { catalog, index, inventory, ledger, verifyContent, clock } = deps;

  return async function verify({ image, bytesPerSecond, repair }, signal, onEvent) {
    await deps.whenWalked(signal);
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
      const content = { ...row, repositoryIds: inventory.repositoryIds(digest) };
      try {
        const found = await verifyContent(digest, signal, async (bytes) => {
          await pace?.(bytes, signal);
          partBytes += bytes;
          await progress();
        });
        partBytes = 0;
        if (found === 'absent') return;
        sums.checkedObjects += 1;
        sums.checkedBytes += row.size;
        if (found === 'damaged') await damaged(content);
      } catch (error) {
        signal.throwIfAborted();
        partBytes = 0;
        sums.unreadable += 1;
        await onEvent(finding(content, 'unreadable', errorText(error)));
      }
    }

    async function damaged(content: DamagedContent): Promise<void> {
      sums.damaged += 1;
      if (repair === undefined) return onEvent(finding(content, 'damaged'));
      try {
        await repair(content, signal);
      } catch (error) {
        signal.throwIfAborted();
        return onEvent(finding(content, 'damaged', errorText(error)));
      }
      sums.repaired += 1;
      return onEvent(finding(content, 'repaired'));
    }

    async function progress(): Promise<void> {
      if (clock.monotonic() - reportedAt < PROGRESS_MS) return;
      reportedAt = clock.monotonic();
      await onEvent({
        event: 'progress',
        checkedObjects: sums.checkedObjects,
        checkedBytes: sums.checkedBytes + partBytes,
        totalObjects: total.objects,
        totalBytes: total.bytes,
      });
    }

    async function* partsOf(roots: readonly Digest[]): AsyncGenerator<Digest> {
      // Iterating a set visits elements in the order of their addition, including those added meanwhile.
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
    for (const page of pagesOf(inventory, PAGE)) for (const { digest } of page) yield digest;
  }

  /** Digests that a manifest names, read after it was verified. None for other content, and for a manifest that is gone. */
  async function childrenOf(digest: Digest): Promise<Digest[]> {
    const row = catalog.get(digest);
    if (row?.type !== 'manifest' || row.size > MANIFEST_SIZE_LIMIT) return [];
    const content = await readFile(deps.layout.blob(digest)).catch(() => undefined);
    const manifest = content === undefined ? undefined : parseManifest(content);
    return [...(manifest?.manifests ?? []), ...(manifest?.blobs ?? [])].map((one) => one.digest);
  }

  /** Stored digests that `image` names: a tag may have one for each accept class. */
  function rootsOf(image: string): Digest[] {
    const names = new Set(ledger.perUpstream().map(([name]) => name));
    const named = parseImageOrDigest(image, (host) => names.has(host));
    const digests = typeof named === 'string' ? [named] : digestsOf(named);
    const found = digests.filter((digest) => catalog.get(digest) !== undefined);
    if (found.length > 0) return found;
    throw new LarderError('NOT_STORED', `${image} is not stored`, {
      hint:
        typeof named === 'string'
          ? 'the digests of an image are in its manifest; without one, everything is checked'
          : 'name it as it was pulled, with its registry before it unless that is docker.io',
    });
  }

  function digestsOf({ upstream, repository, reference }: ImageReference): Digest[] {
    const repositoryId = { upstream, repository };
    if (reference.kind === 'tag') {
      return [...new Set(index.tags.classes(repositoryId, reference.tag).map(({ entry }) => entry.digest))];
    }
    return ['linked', 'unlinked'].includes(catalog.presence(reference.digest, repositoryId))
      ? [reference.digest]
      : [];
  }
}

function finding(
  { digest, size, type, repositoryIds }: DamagedContent,
  state: VerifyFinding['state'],
  reason?: string,
): VerifyFinding {
  const repositories = repositoryIds.map(({ upstream, repository }) => `${upstream}/${repository}`);
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
