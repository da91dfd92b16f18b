import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { blobOf, type Login, type TestBlob, type UpstreamOptions } from '../../test/kit/index.ts';
import type { Peer } from './peer.ts';

/** What the origin's process is told to do, one thing at a time. */
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

/** An image of one layer, tagged `latest`. */
export interface PushedImage {
  /** Digest. */
  readonly manifest: string;
  readonly layer: TestBlob;
  readonly repository: string;
  /** `/v2/<repository>`. */
  readonly path: string;
}

/** What it takes to read there; nothing unless told. */
export interface OriginOptions {
  readonly auth?: 'basic' | 'bearer';
  /** Who may read what is restricted. */
  readonly reader?: Login;
}

export interface Origin extends Peer {
  /** Puts a new image with a layer of so many bytes there. */
  push(bytes: number): Promise<PushedImage>;
  /** From now on only the reader gets what is in this repository. */
  restrict(repository: string): Promise<void>;
  /** Sends each blob at this rate from now on. */
  slowDown(bytesPerSecond: number): Promise<void>;
  /** GETs of a blob, and body bytes sent for them, since the last reset. */
  count(digest: string): Promise<{ readonly gets: number; readonly bytes: number }>;
  /** Full speed again, counters at zero. Content stays. */
  reset(): Promise<void>;
}

/** Long enough for a case: what is measured is no renewal of tokens. */
const TOKEN_SECONDS = 3600;

/** Starts the origin. It ends with this process in whatever way that ends. */
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
