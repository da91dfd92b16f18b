/** Two teams at one upstream that may not read each other's images, behind an empty cache. */
import assert from 'node:assert/strict';
import {
  get,
  imageOf,
  startUpstream,
  type LarderProcess,
  type Login,
  type TestImage,
  type Upstream,
  type UpstreamOptions,
} from '../kit/index.ts';
import { blobUrl, manifestUrl, startCache } from '../faults/setting.ts';
import { authorized, headerOf, USERS } from './setting.ts';

export const ALICES = imageOf({ seed: 1, layers: [4000, 5000] });
export const BOBS = imageOf({ seed: 2, layers: [4001, 5001] });

export interface Teams extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly larder: LarderProcess;
  headerOf(login: Login, repository: string): Promise<string>;
  /** Brings the whole image into the store, with this header. */
  pull(repository: string, image: TestImage, header: string): Promise<void>;
  /** URLs at the cache of the image's manifest, by tag and digest, and its blobs. */
  urlsOf(repository: string, image: TestImage): string[];
  /** Asks the cache for `/v2/<path>`. */
  observe(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Cost>;
}

export interface Cost {
  readonly status: number;
  /** Requests that the upstream got. */
  readonly asked: number;
}

/** `team/alice` and `team/bob`, each with its image, each for one reader, behind an empty cache. */
export async function openTeams(options: UpstreamOptions = {}, cache: object = {}): Promise<Teams> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream({ auth: 'bearer', users: USERS, ...options }));
  upstream.push('team/alice', ALICES, 'v1');
  upstream.push('team/bob', BOBS, 'v1');
  upstream.setAccess('team/alice', { readers: ['alice'] });
  upstream.setAccess('team/bob', { readers: ['bob'] });
  const larder = stack.use(await startCache(upstream, { cache }));
  const urlsOf = (repository: string, image: TestImage): string[] => [
    manifestUrl(larder, repository, 'v1'),
    manifestUrl(larder, repository, image.digest),
    ...image.blobs.map((blob) => blobUrl(larder, repository, blob)),
  ];
  const owned = stack.move();
  return {
    upstream,
    larder,
    urlsOf,
    headerOf: (login, repository) => headerOf(upstream, login, repository),
    async pull(repository, image, header) {
      for (const url of urlsOf(repository, image)) {
        assert.equal((await get(url, authorized(header))).status, 200, url);
      }
    },
    async observe(method, path, headers) {
      upstream.reset();
      const { status } = await get(`${larder.registry}/v2/${path}`, { method, headers });
      return { status, asked: upstream.count() };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
