import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/kit/temp.ts';
import { waitFor } from '../../test/kit/wait.ts';
import { ManualClock } from './clock.ts';
import { watchFiles } from './watch-files.ts';

interface Watch {
  readonly changes: () => number;
  /** Lets a second pass and waits until the watch has looked. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

async function watch(paths: readonly string[], onChange?: () => Promise<void> | void): Promise<Watch> {
  const clock = new ManualClock();
  const controller = new AbortController();
  let changes = 0;
  const running = watchFiles(paths, clock, controller.signal, () => {
    changes += 1;
    return onChange?.();
  });
  const looked = (): Promise<unknown> =>
    waitFor(() => clock.pending === 1, { what: 'the watch to sleep again' });
  await looked();
  return {
    changes: () => changes,
    async look() {
      clock.advance(1000);
      await looked();
    },
    async stop() {
      controller.abort(new Error('enough'));
      await running;
      assert.equal(clock.pending, 0);
    },
  };
}

test('sees an edit in place, a rename over the file, its removal and its return, and nothing else', async () => {
  using directory = tempDir();
  const file = join(directory.path, 'config.yaml');
  writeFileSync(file, 'one');
  const watched = await watch([file]);
  await watched.look();
  assert.equal(watched.changes(), 0);
  const changes = [
    () => writeFileSync(file, 'three'),
    () => void directory.write('config.yaml', 'other'),
    () => rmSync(file),
    () => writeFileSync(file, 'back'),
  ];
  for (const [index, change] of changes.entries()) {
    change();
    await watched.look();
    assert.equal(watched.changes(), index + 1);
    await watched.look();
    assert.equal(watched.changes(), index + 1);
  }
  await watched.stop();
});

test('sees Kubernetes swap the directory that a file is reached through', async () => {
  using directory = tempDir();
  const at = (name: string): string => join(directory.path, name);
  for (const version of ['v1', 'v2']) {
    mkdirSync(at(version));
    writeFileSync(at(`${version}/password`), version);
  }
  symlinkSync('v1', at('..data'));
  symlinkSync('..data/password', at('password'));
  const watched = await watch([at('password')]);
  symlinkSync('v2', at('..data_tmp'));
  renameSync(at('..data_tmp'), at('..data'));
  await watched.look();
  assert.equal(watched.changes(), 1);
  await watched.stop();
});

test('waits for the handler of a change before it looks again', async () => {
  using directory = tempDir();
  const file = directory.write('a', '1');
  const clock = new ManualClock();
  const controller = new AbortController();
  const handled = Promise.withResolvers<void>();
  let changes = 0;
  const running = watchFiles([file], clock, controller.signal, () => {
    changes += 1;
    return handled.promise;
  });
  await waitFor(() => clock.pending === 1);
  directory.write('a', '22');
  clock.advance(1000);
  await waitFor(() => changes === 1);
  directory.write('a', '333');
  clock.advance(5000);
  assert.equal(clock.pending, 0, 'it looks again while the handler runs');
  handled.resolve();
  await waitFor(() => clock.pending === 1);
  clock.advance(1000);
  await waitFor(() => changes === 2, { what: 'the change made while the handler ran' });
  controller.abort(new Error('enough'));
  await running;
});

test('ends with what the handler throws', async () => {
  using directory = tempDir();
  const file = directory.write('a', '1');
  const clock = new ManualClock();
  const running = watchFiles([file], clock, new AbortController().signal, () => {
    throw new RangeError('broken handler');
  });
  await waitFor(() => clock.pending === 1);
  directory.write('a', '22');
  clock.advance(1000);
  await assert.rejects(running, RangeError);
});

test('a link to nothing is another state than no file', async () => {
  using directory = tempDir();
  const link = join(directory.path, 'link');
  symlinkSync('nowhere', link);
  const watching = await watch([link]);
  rmSync(link);
  await watching.look();
  assert.equal(watching.changes(), 1);
  await watching.stop();
});
