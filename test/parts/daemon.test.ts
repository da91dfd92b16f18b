import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startDaemon } from './daemon.ts';

const shell = (script: string, ready: RegExp) =>
  startDaemon({ name: 'a script', command: 'sh', args: ['-c', script], ready });

describe('a daemon', { skip: process.platform === 'linux' ? false : 'needs setpriv of Linux' }, () => {
  test('is there once it says so, and gone once it is disposed', async () => {
    await using daemon = await shell('echo listening on port 17; exec sleep 60', /port (\d+)/);
    assert.equal(daemon.ready[1], '17');
    assert.equal(process.kill(daemon.pid, 0), true);
    await daemon.stop();
    assert.throws(() => process.kill(daemon.pid, 0), { code: 'ESRCH' });
  });

  test('is gone once it is killed, also one that does not stop', async () => {
    await using daemon = await shell("trap '' TERM; echo ready; exec tail -f /dev/null", /ready/);
    await daemon.kill();
    assert.throws(() => process.kill(daemon.pid, 0), { code: 'ESRCH' });
  });

  test('that ends before it is ready is an error with its output', async () => {
    await assert.rejects(shell('echo no such directory; exit 3', /ready/), {
      message: 'a script ended with 3:\nno such directory\n',
    });
  });

  test('that is not installed is an error', async () => {
    await assert.rejects(
      startDaemon({ name: 'it', command: '/nowhere/it', args: [], ready: /ready/ }),
      /\/nowhere\/it/,
    );
  });
});
