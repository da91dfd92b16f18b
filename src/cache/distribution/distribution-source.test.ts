import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempDir } from '../../../test/kit/temp.ts';
import { openDistributionSource } from './distribution-source.ts';

for (const { what, login, expected } of [
  { what: 'without a login', login: {}, expected: 'https://a.example' },
  {
    what: 'with half a login, which Distribution does not use',
    login: { username: 'u' },
    expected: 'https://a.example',
  },
  { what: 'with a login', login: { username: 'u', password: 'p' }, expected: undefined },
])
  test(`a registry ${what} ${expected === undefined ? 'does not ask' : 'asks'} anonymously, also beside larder.yaml`, async () => {
    using files = tempDir();
    const config = {
      version: '0.1',
      storage: { filesystem: { rootdirectory: '/content' } },
      http: { addr: ':5000' },
      proxy: { remoteurl: 'https://a.example', ...login },
    };
    const file = files.write('config.yml', JSON.stringify(config));
    assert.equal((await openDistributionSource(file)).askedAnonymously, expected);
    // Its mode says how Larder asks from now on, not how the content came.
    const cache = { upstream: 'a.example', authentication: { mode: 'Caller' } };
    const apiVersion = 'registry.extensions.gardener.cloud/v1alpha3';
    files.write('larder.yaml', JSON.stringify({ apiVersion, kind: 'RegistryConfig', caches: [cache] }));
    const source = await openDistributionSource(file);
    assert.equal(source.askedAnonymously, expected);
  });
