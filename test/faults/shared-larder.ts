/** One `larder serve` for the tests of a file: a process costs half a second of CPU, a cache more in it nothing. */
import { after } from 'node:test';
import {
  pullImage,
  startLarder,
  startUpstream,
  type LarderOptions,
  type LarderProcess,
  type PullOptions,
  type PullResult,
  type Upstream,
  type UpstreamOptions,
} from '../kit/index.ts';
import { configWith } from './setting.ts';

/** An upstream of a test's own, and the process that caches it among others, under its alias. */
export interface SharedCache {
  readonly upstream: Upstream;
  readonly larder: LarderProcess & { readonly alias: string };
  pull(repository: string, reference: string, options?: PullOptions): Promise<PullResult>;
}

export interface SharedLarder {
  /** Adds an upstream, with the settings of its cache. Call it while tests are declared, and the result in the test. */
  add(upstream?: UpstreamOptions, cache?: object): () => Promise<SharedCache>;
}

/**
 * A process that starts with the first test that needs it, in front of all upstreams that were added, and ends with the file. Tests stay
 * independent as long as none changes the configuration, reads a metric without `upstream_host`, or has the content of another.
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
      larder: { ...larder, alias: upstream.host },
      pull: (repository, reference, pulling) =>
        pullImage(larder.registry, repository, reference, { alias: upstream.host, ...pulling }),
    }));
  }

  return {
    add(upstream = {}, cache = {}) {
      const index = added.push({ upstream, cache }) - 1;
      return async () => {
        starting ??= start();
        return (await starting)[index] as SharedCache;
      };
    },
  };
}
