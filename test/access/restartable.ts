/** A cache that can be restarted, in front of one upstream. */
import { join } from 'node:path';
import { startUpstream, tempDir, type LarderProcess, type Upstream } from '../kit/index.ts';
import { startCache } from '../faults/setting.ts';

export interface Restartable extends AsyncDisposable {
  readonly auth: 'bearer' | 'basic';
  readonly upstream: Upstream;
  /** The current process. */
  readonly larder: LarderProcess;
  /** Ends the process in good order, and starts another one on the same store. */
  restart(): Promise<void>;
  /** Makes sure of an upstream that is up, and an empty cache. */
  renew(): Promise<void>;
}

/** Starts a cache with the settings `cache`. A public repository needs no credential at the upstream. */
export async function startRestartable(auth: Restartable['auth'], cache: object): Promise<Restartable> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream({ auth, publicWithoutToken: auth === 'basic' }));
  const directory = stack.use(tempDir());
  let stores = 1;
  const start = (): Promise<LarderProcess> =>
    startCache(upstream, { store: join(directory.path, `store-${stores}`), cache });
  let larder = await start();
  stack.defer(async () => larder[Symbol.asyncDispose]());
  const owned = stack.move();
  return {
    auth,
    upstream,
    get larder() {
      return larder;
    },
    async restart() {
      await larder.stop();
      await larder[Symbol.asyncDispose]();
      larder = await start();
    },
    async renew() {
      await upstream.accept();
      await larder[Symbol.asyncDispose]();
      stores += 1;
      larder = await start();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
