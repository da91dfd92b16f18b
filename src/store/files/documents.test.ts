import assert from 'node:assert/strict';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { localStore } from '../../../test/store/harness.ts';

test('a document is readable by its user alone, whatever file was there before', async () => {
  await using local = await localStore();
  const folder = join(local.directory, 'documents');
  await local.store.writeDocument('keys.json', Buffer.from('one'));
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  writeFileSync(join(folder, 'keys.json.2.new'), 'left by a crash', { mode: 0o644 });
  chmodSync(join(folder, 'keys.json'), 0o644);
  await local.store.writeDocument('keys.json', Buffer.from('two'));
  assert.equal(statSync(join(folder, 'keys.json')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['keys.json']);
});

test('a document that cannot be read or written is a failure of the store, not its absence', async () => {
  await using local = await localStore();
  writeFileSync(join(local.directory, 'documents'), 'a file where the folder should be');
  await assert.rejects(local.store.readDocument('keys.json'), { code: 'STORE_UNAVAILABLE' });
  await assert.rejects(local.store.writeDocument('keys.json', Buffer.from('x')), {
    code: 'STORE_UNAVAILABLE',
  });
});
