import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRepositoryName } from '../../oci/reference.ts';
import { createConfiguredCredentials, type CredentialSettings } from './configured-credentials.ts';
import { passwordCredential } from './credential.ts';

const { signal } = new AbortController();

/** Names of the logins that are chosen: a secret by its name, a cloud login by its provider and the number of its making. */
function chooser(parts: Partial<CredentialSettings>) {
  let made = 0;
  const cache = { secretReferenceName: undefined, provider: undefined, credentials: [], ...parts };
  const login = (name: string) => () => passwordCredential(name, 'p');
  const credentials = createConfiguredCredentials(cache, {
    secret: login,
    cloudLogin: (provider) => login(`${provider} ${(made += 1)}`),
  });
  return async (repository?: string): Promise<string | undefined> => {
    const name = repository === undefined ? undefined : parseRepositoryName(repository);
    const chosen = await credentials(name, signal);
    return chosen?.kind === 'password' ? chosen.username : undefined;
  };
}

const secret = (glob: string, secretReferenceName: string) => ({
  repositories: [glob],
  secretReferenceName,
  provider: undefined,
});
const cloud = (glob: string, provider: 'ecr' | 'gcp' | 'acr') => ({
  repositories: [glob],
  secretReferenceName: undefined,
  provider,
});

describe('the configured credentials', () => {
  it('are chosen by repository, the first fitting entry, then the login for all', async () => {
    const chosen = chooser({
      secretReferenceName: 'login',
      credentials: [secret('team/app', 'app'), cloud('team/cloud/*', 'ecr'), secret('team/**', 'team')],
    });
    const repositories = ['team/app', 'team/cloud/x', 'team/x/y', 'other', undefined];
    const expected = ['app', 'ecr 1', 'team', 'login', 'login'];
    assert.deepEqual(await Promise.all(repositories.map(chosen)), expected);
  });

  it('are none where nothing fits and there is no login for all', async () => {
    const chosen = chooser({ credentials: [secret('team/app', 'app')] });
    assert.deepEqual(await Promise.all([chosen('other'), chosen()]), [undefined, undefined]);
  });

  it('share one cloud login for each provider', async () => {
    const chosen = chooser({
      provider: 'gcp',
      credentials: [cloud('a', 'gcp'), cloud('b', 'ecr'), cloud('c', 'ecr')],
    });
    assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map(chosen)), [
      'gcp 1',
      'ecr 2',
      'ecr 2',
      'gcp 1',
    ]);
  });
});
