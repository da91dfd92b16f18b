/** One `larder serve` for the tests of a file. A process costs half a second of CPU, and one more cache in it nothing. */
import { after, test } from 'node:test';
import {
  blobOf,
  imageOf,
  pullImage,
  startLarder,
  startUpstream,
  type ImageOptions,
  type LarderOptions,
  type LarderProcess,
  type PullOptions,
  type PullResult,
  type TestBlob,
  type TestImage,
  type Upstream,
  type UpstreamOptions,
} from '../kit/index.ts';
import { configWith } from './setting.ts';

/** An upstream of a test's own, and the process that caches it among others. */
export interface SharedCache {
  readonly upstream: Upstream;
  /** With the alias of the upstream. `metric` is the part of the upstream, where the metric has one. */
  readonly larder: LarderProcess & { readonly alias: string };
  readonly pull: (repository: string, reference: string, options?: PullOptions) => Promise<PullResult>;
}

export interface SharedLarder {
  /** Adds an upstream, with the settings of its cache. Call it while tests are declared, and the result in the test. */
  add(upstream?: UpstreamOptions, cache?: object): () => Promise<SharedCache>;
  /** Declares a test with an upstream of its own. */
  test(title: string, work: (cache: SharedCache) => Promise<void>, options?: SharedTestOptions): void;
}

export interface SharedTestOptions {
  readonly upstream?: UpstreamOptions;
  /** Settings of the cache. */
  readonly cache?: object;
}

/**
 * A process that starts with the first test that needs it, in front of all upstreams that were added, and ends with the file. Tests stay
 * independent as long as none changes the configuration, counts by a metric without `upstream_host`, or has the content of another.
 */
export function shareLarder(options: Omit<LarderOptions, 'config'> = {}): SharedLarder {
  const added: { readonly upstream: UpstreamOptions; readonly cache: object }[] = [];
  const running = new AsyncDisposableStack();
  let starting: Promise<readonly SharedCache[]> | undefined;
  after(() => running.disposeAsync());

  async function start(): Promise<readonly SharedCache[]> {
    const upstreams = await Promise.all(
      added.map(async ({ upstream }) => running.use(await startUpstream(upstream))),
    );
    const config = configWith(
      upstreams.map(({ host, url }, index) => ({ upstream: host, remoteURL: url, ...added[index]?.cache })),
    );
    const larder = running.use(await startLarder({ ...options, config }));
    return upstreams.map((upstream) => ({
      upstream,
      larder: viewOf(larder, upstream.host),
      pull: (repository, reference, pulling) =>
        pullImage(larder.registry, repository, reference, { alias: upstream.host, ...pulling }),
    }));
  }

  function add(upstream: UpstreamOptions = {}, cache: object = {}): () => Promise<SharedCache> {
    if (starting) throw new Error('the process runs already; add upstreams while tests are declared');
    const index = added.push({ upstream, cache }) - 1;
    return async () => {
      starting ??= start();
      return (await starting)[index] as SharedCache;
    };
  }

  return {
    add,
    test(title, work, { upstream, cache } = {}) {
      const open = add(upstream, cache);
      void test(title, async () => work(await open()));
    },
  };
}

let contents = 0;

/** A blob that no other test of the process has. */
export function newBlob(size: number): TestBlob {
  return blobOf(size, 1_000_000_000 + (contents += 1));
}

/** An image that no other test of the process has. */
export function newImage(options: Omit<ImageOptions, 'seed'> = {}): TestImage {
  return imageOf({ ...options, seed: 1000 + (contents += 1) });
}

function viewOf(larder: LarderProcess, alias: string): SharedCache['larder'] {
  return {
    ...larder,
    alias,
    async metric(name, labels) {
      const metrics = await larder.metrics();
      const isByUpstream = metrics.series.some((one) => one.name === name && 'upstream_host' in one.labels);
      return metrics.sum(name, isByUpstream ? { ...labels, upstream_host: alias } : labels);
    },
  };
}
