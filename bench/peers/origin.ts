import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { blobOf, type Login, type TestBlob, type UpstreamOptions } from '../../test/kit/index.ts';
import type { Peer } from './peer.ts';

/** Order to the origin's process. Only one runs at a time. */
export type Order =
  | { readonly do: 'push'; readonly repository: string; readonly bytes: number; readonly seed: number }
  | { readonly do: 'restrict'; readonly repository: string; readonly readers: readonly string[] }
  | { readonly do: 'slow down'; readonly bytesPerSecond: number }
  | { readonly do: 'count'; readonly digest: string }
  | { readonly do: 'reset' };

export interface Reply {
  readonly url?: string;
  readonly manifest?: string;
  readonly layer?: string;
  readonly gets?: number;
  readonly bytes?: number;
}

/** Image of one layer, tagged `latest`. */
export interface PushedImage {
  /** Digest of the manifest. */
  readonly manifest: string;
  readonly layer: TestBlob;
  readonly repository: string;
  /** `/v2/<repository>`. */
  readonly path: string;
}

/** Login that reading requires. Default: none. */
export interface OriginOptions {
  readonly auth?: 'basic' | 'bearer';
  /** The one user who may read restricted repositories. */
  readonly reader?: Login;
}

export interface Origin extends Peer {
  /** Pushes a new image with one layer of `bytes` bytes. */
  push(bytes: number): Promise<PushedImage>;
  /** Lets only the reader read this repository from now on. */
  restrict(repository: string): Promise<void>;
  /** Limits the rate of each blob from now on. */
  slowDown(bytesPerSecond: number): Promise<void>;
  /** Counts GETs of a blob since the last reset, and the body bytes sent for them. */
  count(digest: string): Promise<{ readonly gets: number; readonly bytes: number }>;
  /** Restores the full speed and sets counters to zero. Content stays. */
  reset(): Promise<void>;
}

/** Life of a token, longer than a case, so that no renewal is measured. */
const TOKEN_SECONDS = 3600;

/** Starts the origin. It ends when this process ends, in whatever way. */
export async function startOrigin({ auth, reader }: OriginOptions = {}): Promise<Origin> {
  const users = reader === undefined ? {} : { [reader.user]: reader.password };
  const options: UpstreamOptions = { auth: auth ?? 'none', users, token: { expiresIn: TOKEN_SECONDS } };
  const program = join(import.meta.dirname, 'origin-program.ts');
  const child = fork(program, [JSON.stringify(options)], { stdio: 'inherit' });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the origin ended with ${String(code)}`);
  });
  gone.catch(() => undefined);
  const next = async (): Promise<Reply> => {
    const [reply] = (await Promise.race([once(child, 'message'), gone])) as [Reply];
    return reply;
  };
  const send = (order: Order): Promise<Reply> => {
    const reply = next();
    child.send(order);
    return reply;
  };

  const { url } = await next();
  let pushed = 0;
  return {
    url: url!,
    pid: child.pid!,
    async push(bytes) {
      pushed += 1;
      const repository = `bench/image-${pushed}`;
      const { manifest } = await send({ do: 'push', repository, bytes, seed: pushed });
      return { manifest: manifest!, layer: blobOf(bytes, pushed), repository, path: `/v2/${repository}` };
    },
    async restrict(repository) {
      await send({ do: 'restrict', repository, readers: reader === undefined ? [] : [reader.user] });
    },
    async slowDown(bytesPerSecond) {
      await send({ do: 'slow down', bytesPerSecond });
    },
    async count(digest) {
      const { gets, bytes } = await send({ do: 'count', digest });
      return { gets: gets!, bytes: bytes! };
    },
    async reset() {
      await send({ do: 'reset' });
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await gone.catch(() => undefined);
    },
  };
}
