import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { get, imageOf, indexOf, pullImage, startLarder, tempDir } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { pushImage } from '../parts/push.ts';
import { CLIENTS, pullWith } from './client-table.ts';
import { configurationOf, startSetting, UPSTREAMS } from './setting.ts';

const IMAGE = indexOf([imageOf({ layers: [1_000_000, 20_000] })]);

for (const [how, signal] of [
  ['an orderly restart', 'SIGTERM'],
  ['a crash', 'SIGKILL'],
] as const) {
  describe(`after ${how} without any upstream`, requireParts(['registry3', 'registry2', 'crane']), () => {
    test('images that were pulled before are served from the cache', async () => {
      using store = tempDir();
      await using setting = await startSetting({
        store: store.path,
        fill: (registry) => pushImage(registry, 'team/app', IMAGE, 'v1'),
      });
      const { larder, registries } = setting;
      const crane = CLIENTS[0]!;
      const aliases = Object.values(UPSTREAMS);
      const pullBoth = async (registry: string, alias: string): Promise<string[]> => {
        await pullImage(registry, 'team/app', 'v1', { ns: alias });
        return pullWith(crane, new URL(registry).host, `${alias}/team/app:v1`);
      };
      const pulled = [];
      for (const alias of aliases) pulled.push(await pullBoth(larder.registry, alias));

      const exit = await larder.stop(signal);
      assert.deepEqual(
        exit,
        signal === 'SIGTERM' ? { code: 0, signal: null } : { code: null, signal: 'SIGKILL' },
      );
      for (const registry of Object.values(registries)) await registry.stop();
      await using again = await startLarder({ config: configurationOf(registries), store: store.path });

      for (const [index, alias] of aliases.entries()) {
        assert.deepEqual(await pullBoth(again.registry, alias), pulled[index]);
        const layer = await get(
          `${again.registry}/v2/${alias}/team/app/blobs/${IMAGE.children[0]!.layers[0]!.digest}`,
        );
        assert.match(String(layer.headers['cache-status']), /^larder; hit/);
      }
    });
  });
}
