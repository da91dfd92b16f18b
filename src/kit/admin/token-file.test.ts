import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempDir } from '../../../test/kit/temp.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock } from '../clock.ts';
import { silentLogger } from '../logger.ts';
import { TaskGroup } from '../task-group.ts';
import { openAdminToken, readAdminToken } from './token-file.ts';

test('the token is what stands in the file, without the line end', async () => {
  using files = tempDir();
  assert.equal(await readAdminToken(files.write('token', ' s3cret-Token_1 \n')), 's3cret-Token_1');
});

test('a file that has no token is refused, without any of its text in the message', async () => {
  using files = tempDir();
  for (const text of ['', '\n', 'two words', 'one\ntwo', 'tökén', 'x'.repeat(5000)]) {
    const file = files.write('token', text);
    await assert.rejects(readAdminToken(file), (error: Error & { code: string }) => {
      assert.equal(error.code, 'ADMIN_TOKEN_INVALID');
      assert.match(error.message, /^--admin-token-file .*: expected one line/);
      if (text.trim() !== '') assert.ok(!error.message.includes(text.trim()));
      return true;
    });
  }
  await assert.rejects(
    readAdminToken('/nowhere/token'),
    /--admin-token-file \/nowhere\/token: cannot be read: /,
  );
});

test('a changed file gives the new token; while it cannot be used the old one stays', async () => {
  using files = tempDir();
  const clock = new ManualClock();
  const tasks = new TaskGroup(silentLogger);
  const file = files.write('token', 'one');
  const token = await openAdminToken(file, { tasks, clock, logger: silentLogger });
  assert.equal(token(), 'one');
  files.write('token', 'no token');
  files.write('token', 'two');
  await waitFor(() => {
    clock.advance(1000);
    return token() === 'two';
  });
  files.write('token', '');
  for (let looks = 0; looks < 3; looks += 1) {
    clock.advance(1000);
    await new Promise(setImmediate);
  }
  assert.equal(token(), 'two');
  await tasks.close();
});
