/**
 * The real registries of the Distribution project fill a volume, and Larder serves all of it with the upstream away: while it adopts the volume, and
 * afterwards from the same files.
 */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseRepositoryName, parseTag } from '../../src/oci/reference.ts';
import { distributionLayoutOf } from '../../src/store/distribution/distribution-layout.ts';
import { layoutOf } from '../../src/store/files/layout.ts';
import { get, startLarder, startUpstream, tempDir, waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { startRegistry } from '../parts/start-registry.ts';
import { storedByDistribution } from '../parts/stored-by-distribution.ts';
import { authOf, configText, LOGIN, pullAll, PULLED, pushAll } from './distribution-volume.ts';

describe('a volume of a real Distribution registry', { concurrency: 2 }, () => {
  for (const part of ['registry2', 'registry3'] as const)
    for (const login of [undefined, LOGIN])
      describe(`${part} ${login ? 'with' : 'without'} a login`, requireParts([part]), () => {
        test('is served whole with the upstream away', async () => {
          using files = tempDir();
          const content = join(files.path, 'registry');
          await using upstream = await startUpstream(authOf(login));
          pushAll(upstream);
          const inodes = await fill(part, upstream.url, content, login);
          await upstream.refuse();

          const config = files.write('config.yml', configText(content, upstream, login));
          await using larder = await startLarder({
            store: content,
            ownFlags: ['--distribution-config', config],
          });
          await pullAll(larder.registry);
          await waitFor(() => !existsSync(distributionLayoutOf(content).top));
          await waitFor(() => !existsSync(layoutOf(content).adopted));
          await pullAll(larder.registry);
          for (const [digest, inode] of inodes)
            assert.equal(statSync(layoutOf(content).blob(parseDigest(digest))).ino, inode);
          if (login) return;
          const never = await get(`${larder.registry}/v2/team/other/manifests/v1`);
          assert.equal(never.status, 502, 'nothing else is served');
        });
      });
});

/** Lets Distribution fetch everything. Returns the inodes of the files by digest. */
async function fill(
  part: 'registry2' | 'registry3',
  proxyOf: string,
  content: string,
  login: typeof LOGIN | undefined,
): Promise<ReadonlyMap<string, number>> {
  await using registry = await startRegistry({
    part,
    proxyOf,
    content,
    ...(login && { proxyLogin: login }),
  });
  const digests = await pullAll(registry.url);
  const layout = distributionLayoutOf(content);
  for (const [key, kind] of digests) {
    const [repository = '', digest = ''] = key.split('@');
    await storedByDistribution(content, repository, [[digest, kind]]);
  }
  for (const [repository, tag] of PULLED)
    assert.ok(existsSync(layout.tagLink(parseRepositoryName(repository), parseTag(tag))));
  await registry.stop();
  return new Map(
    [...digests.keys()].map((key) => {
      const digest = parseDigest(key.slice(key.indexOf('@') + 1));
      return [digest, statSync(layout.blob(digest)).ino];
    }),
  );
}
