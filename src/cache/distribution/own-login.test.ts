import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretData, SecretFiles } from '../../upstream/credentials/secret-files.ts';
import { createOwnLogin } from './own-login.ts';

const NAME = 'distribution-config';

/** A directory with the secret `other`, and the functions that were to be called when it changes. */
function directoryOf(other: SecretData): SecretFiles & { handlers: (() => void)[] } {
  const handlers: (() => void)[] = [];
  return {
    handlers,
    read: (name) => (name === 'other' ? other : undefined),
    refresh: () => Promise.resolve(),
    onChange: (handler) => void handlers.push(handler),
  };
}

test('the login stands beside the secrets of a directory, and changes of both are reported', () => {
  const login = createOwnLogin();
  const directory = directoryOf({ username: 'o' });
  const secrets = login.besides(directory);
  let changes = 0;
  secrets.onChange(() => {
    changes += 1;
  });
  assert.deepEqual([secrets.read(NAME), secrets.read('other')], [undefined, { username: 'o' }]);
  login.set({ username: 'u', password: 'p' });
  assert.deepEqual([secrets.read(NAME), changes], [{ username: 'u', password: 'p' }, 1]);
  directory.handlers[0]?.();
  assert.equal(changes, 2);
});

test('the same login again is the same secret, so that no client asks for new tokens', () => {
  const login = createOwnLogin();
  const secrets = login.besides(undefined);
  login.set({ username: 'u', password: 'p' });
  const first = secrets.read(NAME);
  login.set({ username: 'u', password: 'p' });
  assert.equal(secrets.read(NAME), first);
  login.set(undefined);
  assert.equal(secrets.read(NAME), first, 'nothing names it any more, and nobody is warned that it is gone');
  assert.equal(secrets.read('other'), undefined);
});
