import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { imageOf, startLarder, type LarderProcess } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { pushImage } from '../parts/push.ts';
import { startRegistry, type Registry } from '../parts/start-registry.ts';
import { CLIENTS, pullWith } from './client-table.ts';
import { ACCOUNT } from './setting.ts';

const REFERENCE = 'team/app:v1';
const NAMES = ['one.test', 'two.test'] as const;

/** Each of these copies an image; `oras pull` wants files. */
const COPIERS = CLIENTS.filter(({ name }) => name !== 'oras pull');

for (const client of COPIERS) {
  describe(
    `${client.name} of private images of two registries by the name of the cache`,
    requireParts(['registry3', client.part]),
    () => {
      let stack: AsyncDisposableStack;
      let registries: Registry[];
      let larder: LarderProcess;

      before(async () => {
        await using cleanup = new AsyncDisposableStack();
        registries = [];
        for (const [index] of NAMES.entries()) {
          const auth = { kind: 'token', account: ACCOUNT, publicPull: false } as const;
          const registry = cleanup.use(await startRegistry({ part: 'registry3', auth }));
          await pushImage(registry, 'team/app', imageOf({ seed: index, layers: [300_000, 5000] }), 'v1');
          registries.push(registry);
        }
        const caches = NAMES.map((upstream, index) => ({
          upstream,
          remoteURL: registries[index]?.url,
          authentication: { realm: 'Cache' },
        }));
        const config = {
          apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
          kind: 'RegistryConfig',
          caches,
        };
        larder = cleanup.use(await startLarder({ config }));
        stack = cleanup.move();
      });
      after(() => stack?.disposeAsync());

      /** As clients are told to write it; see {@link Registry.host}. */
      const cacheHost = (): string => `localhost:${new URL(larder.registry).port}`;

      for (const [index, name] of NAMES.entries()) {
        test(`gets from ${name} what it gets directly, with the login that it keeps for the cache`, async () => {
          const direct = await pullWith(client, registries[index]?.host ?? '', REFERENCE, ACCOUNT);
          assert.deepEqual(await pullWith(client, cacheHost(), `${name}/${REFERENCE}`, ACCOUNT), direct);
          const granted = { upstream_host: name, outcome: 'granted' };
          assert.ok((await larder.metric('larder_tokens_total', granted)) >= 1);
        });

        test(`gets nothing from ${name} without a login, or with a wrong one`, async () => {
          const wrong = { ...ACCOUNT, password: 'wrong' };
          await assert.rejects(pullWith(client, cacheHost(), `${name}/${REFERENCE}`));
          await assert.rejects(pullWith(client, cacheHost(), `${name}/${REFERENCE}`, wrong));
        });
      }
    },
  );
}
