import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { waitFor } from '../../../test/kit/wait.ts';
import { readWhole } from '../../../test/store/read-whole.ts';
import { body, fill, keep, localStore, type LocalStore } from '../../../test/store/harness.ts';

const bodies = [1, 2, 3, 4].map((seed) => body(1000, seed));
const [first, second] = bodies as [(typeof bodies)[0], (typeof bodies)[0]];

describe('a file that was read', () => {
  test('stays open for the next reader, and is closed after 20 s without one', async () => {
    await using under = await localStore();
    for (const one of bodies) await keep(under.store, one);
    assert.equal(openBlobs(under), 4);
    await pass(under, 9_000);
    assert.equal(openBlobs(under), 4);
    await pass(under, 11_000);
    await waitFor(() => openBlobs(under) === 0);
    (await under.store.open(first.digest))?.close();
    assert.equal(openBlobs(under), 1);
  });

  test('stays open as long as it is requested every 10 s', async () => {
    await using under = await localStore();
    for (const one of bodies) await keep(under.store, one);
    for (const _ of Array(5).keys()) {
      (await under.store.open(first.digest))?.close();
      await pass(under, 10_000);
    }
    await waitFor(() => openBlobs(under) === 1);
    assert.equal(openBlobs(under), 1);
  });

  test('stays open while it is read, and is closed when it is not any more', async () => {
    await using under = await localStore();
    const content = await fill(under.store, second);
    await pass(under, 60_000);
    assert.equal(openBlobs(under), 1);
    assert.deepEqual(await readWhole(content), second.content);
    content.close();
    await pass(under, 10_000);
    await waitFor(() => openBlobs(under) === 0);
  });
});

/** Lets time pass in steps of a second, with a turn of the event loop after each. */
async function pass({ clock }: LocalStore, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    await turn();
  }
}

/** Number of content files of the store that this process has open. */
function openBlobs({ directory }: LocalStore): number {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(`${directory}/blobs/`)).length;
}

/** Target of a descriptor; empty if it was closed meanwhile. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
