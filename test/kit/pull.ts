/**
 * Pulls an image the way containerd 2 does (core/remotes/docker): HEAD the reference, GET manifests by digest, then config
 * and layers, three at a time; with its headers, and without a look at `/v2/`.
 */
import { createHash } from 'node:crypto';
import type { Agent } from 'node:http';
import { get, type GetResult } from './client.ts';
import { MEDIA_TYPES } from './image.ts';
import { logIn, type Login } from './log-in.ts';

export interface PullOptions {
  /** Puts this upstream's name before the repository: `/v2/<alias>/<repository>/...`. */
  readonly alias?: string;
  /** Sends `?ns=` with each request, as containerd does to a mirror. */
  readonly ns?: string;
  /** The answer to a challenge, as of containerd: Basic unchanged, Bearer with the token of a GET of the realm. */
  readonly login?: Login;
  /**
   * Uses a second authorizer after resolving, as containerd does: the first GET carries no credential again, and buys a second token.
   * Otherwise the resolving authorizer goes on.
   */
  readonly freshAuthorizer?: boolean;
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  readonly ca?: string;
  readonly signal?: AbortSignal;
  /** Chooses the manifest of an index; linux/amd64 by default. */
  readonly platform?: { readonly os: string; readonly architecture: string };
}

export interface PullResult {
  /** Digest that the reference led to. */
  readonly digest: string;
  /** Digests of all manifests read, the referenced one first. */
  readonly manifests: readonly string[];
  /** Digests of config and layers. */
  readonly blobs: readonly string[];
  /** Bytes of all bodies. */
  readonly bytes: number;
  /** Every answer, challenges included. */
  readonly answers: readonly GetResult[];
}

/**
 * Pulls `repository:reference` (tag or digest) from the registry at `base` and checks each digest and size.
 *
 * @throws Error that names the request, for an answer other than 200 and for content that does not match its digest.
 */
export async function pullImage(
  base: string,
  repository: string,
  reference: string,
  options: PullOptions = {},
): Promise<PullResult> {
  const session = createSession(base, repository, options);
  const root = await resolve(session, reference);
  if (options.freshAuthorizer) session.forgetLogin();
  const manifests = [root.digest];
  let document = await readManifest(session, root);
  if (document.manifests) {
    const { os, architecture } = options.platform ?? { os: 'linux', architecture: 'amd64' };
    const chosen = document.manifests.find(
      ({ platform }) => platform?.os === os && platform.architecture === architecture,
    );
    if (!chosen) throw new Error(`${repository}@${root.digest} has no manifest for ${os}/${architecture}`);
    manifests.push(chosen.digest);
    document = await readManifest(session, chosen);
  }
  const wanted = [...(document.config ? [document.config] : []), ...(document.layers ?? [])];
  await eachOf(wanted, PARALLEL, (descriptor) => session.read(`blobs/${descriptor.digest}`, descriptor));
  return {
    digest: root.digest,
    manifests,
    blobs: wanted.map((descriptor) => descriptor.digest),
    bytes: session.answers.reduce((sum, answer) => sum + answer.bytes, 0),
    answers: session.answers,
  };
}

/** containerd's `max_concurrent_downloads`. */
const PARALLEL = 3;

/** Redirects that Go's net/http follows. It drops `Authorization` at the first. */
const MAX_HOPS = 10;

const CONTAINERD_HEADERS = {
  'user-agent': 'containerd/v2.2.7',
  'accept-encoding': 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5',
};

/** `Accept` of containerd when it resolves a name (core/remotes/docker/resolver.go). */
const RESOLVE_ACCEPT = [
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerList,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.ociIndex,
  '*/*',
].join(', ');

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

interface ManifestDocument {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

async function resolve(session: Session, reference: string): Promise<Descriptor> {
  const { headers } = await session.send('HEAD', `manifests/${reference}`, RESOLVE_ACCEPT);
  const digest = headers['docker-content-digest'];
  if (typeof digest !== 'string')
    throw new Error(`HEAD manifests/${reference} gave no Docker-Content-Digest`);
  return { digest, mediaType: headers['content-type'] ?? '', size: Number(headers['content-length']) };
}

async function readManifest(session: Session, descriptor: Descriptor): Promise<ManifestDocument> {
  const answer = await session.read(`manifests/${descriptor.digest}`, descriptor);
  return answer.json() as ManifestDocument;
}

interface Session {
  readonly answers: readonly GetResult[];
  /** Sends one request, and logs in at a challenge. Throws for any status but 200. */
  send(method: string, path: string, accept: string): Promise<GetResult>;
  /** From now on requests carry no credential until the next challenge. */
  forgetLogin(): void;
  /** A GET whose body is checked. */
  read(path: string, expected: Descriptor): Promise<GetResult>;
}

function createSession(base: string, repository: string, options: PullOptions): Session {
  const answers: GetResult[] = [];
  const name = options.alias === undefined ? repository : `${options.alias}/${repository}`;
  const query = options.ns === undefined ? '' : `?ns=${encodeURIComponent(options.ns)}`;
  const { agent, ca, signal } = options;
  const connection = { ...(agent && { agent }), ...(ca !== undefined && { ca }), ...(signal && { signal }) };
  let authorization: string | undefined;

  async function request(method: string, path: string, accept: string): Promise<GetResult> {
    const headers = { ...CONTAINERD_HEADERS, ...options.headers, accept };
    let url = `${base}/v2/${name}/${path}${query}`;
    for (let hops = 0; ; hops += 1) {
      const answer = await get(url, {
        ...connection,
        method,
        headers: hops === 0 && authorization !== undefined ? { ...headers, authorization } : headers,
      });
      answers.push(answer);
      const { location } = answer.headers;
      if (location === undefined || answer.status < 300 || answer.status > 399 || hops === MAX_HOPS)
        return answer;
      url = new URL(location, url).href;
    }
  }

  async function send(method: string, path: string, accept: string): Promise<GetResult> {
    let answer = await request(method, path, accept);
    const challenge = answer.headers['www-authenticate'];
    if (answer.status === 401 && challenge !== undefined) {
      authorization = await logIn(challenge, options.login, connection);
      if (authorization !== undefined) answer = await request(method, path, accept);
    }
    if (answer.status !== 200 || !answer.complete) {
      const why = answer.failure?.message ?? answer.text().slice(0, 500);
      throw new Error(`${method} ${name}/${path} gave ${answer.status} after ${answer.bytes} bytes: ${why}`);
    }
    return answer;
  }

  return {
    answers,
    send,
    forgetLogin() {
      authorization = undefined;
    },
    async read(path, expected) {
      const answer = await send('GET', path, `${expected.mediaType}, */*`);
      const found = hashLike(expected.digest, answer);
      if (found !== expected.digest) throw new Error(`GET ${name}/${path} gave content with digest ${found}`);
      if (answer.bytes !== expected.size) {
        throw new Error(`GET ${name}/${path} gave ${answer.bytes} bytes, expected ${expected.size}`);
      }
      return answer;
    },
  };
}

function hashLike(digest: string, answer: GetResult): string | undefined {
  if (!digest.startsWith('sha512:')) return answer.digest;
  return `sha512:${createHash('sha512').update(answer.body).digest('hex')}`;
}

async function eachOf<T>(
  items: readonly T[],
  parallel: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
