import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { requireParts } from '../parts/find.ts';
import { pushImage } from '../parts/push.ts';
import { ALL_BYTES_FOUND, runnableImage } from '../parts/runnable-image.ts';
import { CONTAINERDS, startContainerd } from '../parts/start-containerd.ts';
import { ACCOUNT, startSetting, UPSTREAMS } from './setting.ts';

const NEEDED = ['registry3', 'registry2', 'runc', 'busybox'] as const;

for (const part of CONTAINERDS) {
  describe(`${part} with a hosts.toml`, requireParts([...NEEDED, part]), () => {
    for (const upstream of ['registry3', 'registry2'] as const) {
      test(`pulls an image of ${upstream} and runs it, also without the upstream`, async () => {
        const image = runnableImage();
        await using setting = await startSetting({
          auth: { kind: 'token', account: ACCOUNT, publicPull: true },
          fill: (registry) => pushImage(registry, 'library/busybox', image, '1'),
        });
        const { larder, registries } = setting;
        await using containerd = await startContainerd({ part });
        const name = UPSTREAMS[upstream];
        const reference = `${name}/library/busybox:1`;
        containerd.useMirror(name, larder.registry);

        await containerd.pull(reference);
        assert.equal(await containerd.runImage(reference), ALL_BYTES_FOUND);
        const blobs = { upstream_host: name, type: 'blob' };
        assert.equal(await larder.metric('registry_proxy_misses_total', blobs), image.blobs.length);

        await containerd.removeImages();
        assert.deepEqual(await containerd.contentDigests(), []);
        await registries[upstream].stop();
        await containerd.pull(reference);
        assert.equal(await containerd.runImage(reference), ALL_BYTES_FOUND);
        const digests = [image.digest, ...image.blobs.map((blob) => blob.digest)].sort();
        assert.deepEqual(await containerd.contentDigests(), digests);
        assert.equal(await larder.metric('registry_proxy_misses_total', blobs), image.blobs.length);
        assert.equal(await larder.metric('registry_proxy_hits_total', blobs), image.blobs.length);
      });
    }
  });
}
