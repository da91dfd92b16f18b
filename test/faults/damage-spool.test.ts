/** Law 3 for the beginnings of bodies: what a crash in the middle of a download has left, damaged before the next start. */
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { blobOf, startUpstream, tempDir, waitFor } from '../kit/index.ts';
import { damageAll, flipByte, NO_DAMAGE, zero, type Damage } from './damage/kinds.ts';
import { ask } from './damage/verdict.ts';
import { blobUrl, MiB, startCache } from './setting.ts';

const SIZE = 6 * MiB + 321;
const BEGUN = 4 * MiB;
/** A sum of 16 bytes for each chunk of 64 KiB. */
const SUM_BYTES = (BEGUN >> 16) * 16;

interface SpoolCell {
  readonly harm: Damage;
  /** Bytes that the upstream sends in all, at most. */
  readonly limit: number;
}

/** Bytes that were under way in the crash, at most. They are requested again in any case. */
const UNDER_WAY = SIZE * 0.02;

/** The bytes of a cut download are not verified yet. If they are wrong, the whole blob may be fetched again, once. */
const AGAIN = BEGUN + SIZE + UNDER_WAY;

const cells: readonly SpoolCell[] = [
  { harm: NO_DAMAGE, limit: SIZE + UNDER_WAY },
  {
    harm: { name: 'truncated', apply: (path) => truncateSync(path, 3 * MiB - 5) },
    limit: SIZE + MiB + UNDER_WAY,
  },
  { harm: { name: 'emptied', apply: (path) => truncateSync(path, 0) }, limit: AGAIN },
  { harm: { name: 'flipped at its start', apply: (path) => flipByte(path, 0) }, limit: AGAIN },
  {
    harm: { name: 'flipped at its end', apply: (path) => flipByte(path, statSync(path).size - 1) },
    limit: AGAIN,
  },
  {
    harm: { name: 'with a zeroed tail', apply: (path) => zero(path, statSync(path).size - 300_000, MiB) },
    limit: AGAIN,
  },
  {
    harm: { name: 'grown by zeros', apply: (path) => appendFileSync(path, Buffer.alloc(100_000)) },
    limit: AGAIN,
  },
  {
    harm: { name: 'grown beyond the blob', apply: (path) => appendFileSync(path, Buffer.alloc(SIZE, 0x5a)) },
    limit: AGAIN,
  },
];

test('a download that a SIGKILL has cut is whole and right for the next caller, whatever has become of its beginning, which is used while it is good', async (context) => {
  const blobs = cells.map((_, index) => blobOf(SIZE, 60 + index));
  await using upstream = await startUpstream();
  for (const blob of blobs) upstream.push('team/app', blob);
  using directory = tempDir();
  const store = join(directory.path, 'store');
  const spoolOf = (digest: string): string => {
    const name = readdirSync(join(store, 'spool')).find((file) => file.startsWith(digest.replace(':', '-')));
    return join(store, 'spool', name ?? 'missing');
  };
  {
    const pause = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: BEGUN });
    await using larder = await startCache(upstream, { store });
    const pulls = blobs.map((blob) => ask(blobUrl(larder, 'team/app', blob), blob));
    await pause.reached(blobs.length);
    // The next start uses as many bytes as have sums on disk. Sums are written beside the download.
    await waitFor(() =>
      blobs.every(({ digest }) => {
        const spool = spoolOf(digest);
        return (
          statSync(spool).size === BEGUN &&
          statSync(join(dirname(spool), `sums-${basename(spool)}`)).size === SUM_BYTES
        );
      }),
    );
    await larder.stop('SIGKILL');
    for (const { verdict } of await Promise.all(pulls)) assert.match(verdict, /^(short|reset)$/);
    pause.remove();
  }
  damageAll(cells.map(({ harm }, index) => ({ damage: harm, paths: [spoolOf(blobs[index]?.digest ?? '')] })));

  await using larder = await startCache(upstream, { store });
  const problems: string[] = [];
  for (const [index, { harm, limit }] of cells.entries()) {
    const blob = blobs[index] ?? blobOf(0);
    const { verdict } = await ask(blobUrl(larder, 'team/app', blob), blob);
    const sent = upstream.bodyBytes({ digest: blob.digest });
    context.diagnostic(`${harm.name}: ${verdict}, ${(sent / SIZE).toFixed(3)} times its bytes in two lives`);
    if (verdict !== 'right') problems.push(`${harm.name}: gave ${verdict}`);
    if (sent > limit) problems.push(`${harm.name}: cost ${sent} bytes, expected ${limit} at most`);
    const { verdict: warm } = await ask(blobUrl(larder, 'team/app', blob), blob);
    if (warm !== 'right') problems.push(`${harm.name}: gave ${warm} the second time`);
    if (upstream.bodyBytes({ digest: blob.digest }) > sent) problems.push(`${harm.name}: was not kept`);
  }
  assert.deepEqual(problems, []);
});

test('who joins a running download whose beginning was damaged on the disk meanwhile gets it right, for little more than its bytes', async () => {
  const blob = blobOf(SIZE, 90);
  await using upstream = await startUpstream();
  upstream.push('team/app', blob);
  upstream.faults.add({ match: { kind: 'blob', method: 'GET' }, bytesPerSecond: 1.5 * MiB });
  await using larder = await startCache(upstream);
  const url = blobUrl(larder, 'team/app', blob);
  const first = ask(url, blob);
  await waitFor(() => upstream.bodyBytes() > 2 * MiB, { limitMs: 20_000 });
  const spool = readdirSync(join(larder.store, 'spool')).find((name) => name.startsWith('sha256-'));
  flipByte(join(larder.store, 'spool', spool ?? 'missing'), 100_000);
  // Nothing that is read within a second after it was written is looked at again.
  const written = upstream.bodyBytes();
  await waitFor(() => upstream.bodyBytes() > written + 1.6 * MiB, { limitMs: 20_000 });
  const joined = await ask(url, blob);
  assert.deepEqual([(await first).verdict, joined.verdict], ['right', 'right']);
  assert.equal((await ask(url, blob)).verdict, 'right');
  assert.equal(await larder.metric('larder_corrupt_blobs_total', { action: 'repaired' }), 1);
  assert.ok(upstream.bodyBytes() <= SIZE * 1.05, `${upstream.bodyBytes() / SIZE} times its bytes`);
});
