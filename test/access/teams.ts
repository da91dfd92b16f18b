/** Two teams at one upstream that may not read each other's images, behind an empty cache. */
import assert from 'node:assert/strict';
import { get, imageOf, type Login, type TestImage, type UpstreamOptions } from '../kit/index.ts';
import type { SharedCache, SharedLarder } from '../faults/shared-larder.ts';
import { baseUrl, blobUrl, manifestUrl } from '../faults/setting.ts';
import { authorized, headerOf, USERS } from './setting.ts';

export interface Teams extends SharedCache {
  /** The image of `team/alice`, and the one of `team/bob`. No other teams have their content. */
  readonly alices: TestImage;
  readonly bobs: TestImage;
  headerOf(login: Login, repository: string): Promise<string>;
  /** Brings the whole image into the store, with this header. */
  bring(repository: string, image: TestImage, header: string): Promise<void>;
  /** URLs at the cache of the image's manifest, by tag and digest, and its blobs. */
  urlsOf(repository: string, image: TestImage): string[];
  /** Asks the cache for this path of the upstream. */
  observe(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Cost>;
}

export interface Cost {
  readonly status: number;
  /** Requests that the upstream got. */
  readonly asked: number;
}

let count = 0;

/** Declares `team/alice` and `team/bob`, each with its image, each for one reader, behind a cache that is empty until a test opens it, once. */
export function teamsBehind(
  shared: SharedLarder,
  options: UpstreamOptions = {},
  cache: object = {},
): () => Promise<Teams> {
  const start = shared.add({ auth: 'bearer', users: USERS, ...options }, cache);
  count += 1;
  const [alices, bobs] = [1, 2].map((team) =>
    imageOf({ seed: 100 * count + team, layers: [4000 + team, 5000 + team] }),
  ) as [TestImage, TestImage];
  return async () => {
    const running = await start();
    const { upstream, larder } = running;
    upstream.push('team/alice', alices, 'v1');
    upstream.push('team/bob', bobs, 'v1');
    upstream.setAccess('team/alice', { readers: ['alice'] });
    upstream.setAccess('team/bob', { readers: ['bob'] });
    const urlsOf = (repository: string, image: TestImage): string[] => [
      manifestUrl(larder, repository, 'v1'),
      manifestUrl(larder, repository, image.digest),
      ...image.blobs.map((blob) => blobUrl(larder, repository, blob)),
    ];
    return {
      ...running,
      alices,
      bobs,
      urlsOf,
      headerOf: (login, repository) => headerOf(upstream, login, repository),
      async bring(repository, image, header) {
        for (const url of urlsOf(repository, image)) {
          assert.equal((await get(url, authorized(header))).status, 200, url);
        }
      },
      async observe(method, path, headers) {
        upstream.reset();
        const { status } = await get(`${baseUrl(larder)}/${path}`, { method, headers });
        return { status, asked: upstream.count() };
      },
    };
  };
}
