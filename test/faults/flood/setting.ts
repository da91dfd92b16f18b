import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import {
  createTestPki,
  get,
  startLarder,
  startUpstream,
  tempDir,
  tlsFlags,
  type LarderOptions,
  type LarderProcess,
  type Login,
  type Upstream,
  type UpstreamOptions,
} from '../../kit/index.ts';
import { configWith } from '../setting.ts';
import { COLD, fillShelf, type Shelf } from './shelf.ts';

/** One of the upstreams, and how it is asked for something. */
export interface Source {
  readonly upstream: Upstream;
  readonly shelf: Shelf;
}

/** A process that is flooded, with the cold manifests of its first source in its store. */
export interface Target {
  readonly larder: LarderProcess;
  /** PEM of the authority to trust; undefined: it speaks no TLS. */
  readonly ca: string | undefined;
  /** The upstreams that it caches. */
  readonly sources: readonly Source[];
}

export interface FloodSetting extends AsyncDisposable {
  readonly sources: readonly Source[];
  readonly targets: readonly Target[];
}

export const ALICE: Login = { user: 'alice', password: 'correct-horse-of-the-flood' };
const SERVICE: Login = { user: 'service', password: 'battery-staple-of-the-flood' };
const USERS = { [ALICE.user]: ALICE.password, [SERVICE.user]: SERVICE.password };

/** Everything is soon old again, so that the upstream is asked about all of it. */
const SHORT_LIVED = {
  authentication: { proofLifetime: '300ms' },
  freshness: { tagTTL: '200ms', staleIfError: '2s' },
};

/**
 * A cache of five upstreams, each with another way to let callers in, and one of two that speaks TLS and has a small budget. Neither has room
 * for all, so nothing stays warm.
 */
export async function startFloodSetting(): Promise<FloodSetting> {
  await using cleanup = new AsyncDisposableStack();
  const files = cleanup.use(tempDir());
  const sources: Source[] = [];
  async function source(options: UpstreamOptions, cache: object = {}): Promise<object> {
    const upstream = cleanup.use(await startUpstream({ users: USERS, ...options }));
    sources.push({ upstream, shelf: fillShelf(upstream, sources.length + 1) });
    return { upstream: upstream.host, remoteURL: upstream.url, ...SHORT_LIVED, ...cache };
  }
  const shared = { secretReferenceName: 'service' };
  const issuing = {
    authentication: { ...SHORT_LIVED.authentication, realm: 'Cache', outageGrace: '1s' },
  };
  const caches = [
    await source({}),
    await source({ auth: 'bearer', token: { at: 'own-port' } }),
    await source({ auth: 'basic', redirect: { to: 'cdn' } }, shared),
    await source({ redirect: { to: 'cdn', refuseHead: true } }),
    await source({ auth: 'bearer', token: { at: 'own-port' } }, issuing),
  ];
  const secrets = { service: { username: SERVICE.user, password: SERVICE.password } };
  const pki = createTestPki();
  const tls = tlsFlags(files, pki.server());
  const first = sources[0] as Source;
  const plain = cleanup.use(
    await startFilled(first, {
      config: configWith(caches),
      secrets,
      store: `${files.path}/plain`,
      flags: ['--max-size', '24Mi'],
    }),
  );
  const small = [
    { ...caches[0], garbageCollection: { maxSize: '2Mi' } },
    { ...caches[1], ...issuing },
  ];
  const secured = cleanup.use(
    await startFilled(
      first,
      { config: configWith(small), store: `${files.path}/secured`, flags: ['--max-size', '8Mi'] },
      tls,
    ),
  );
  const owned = cleanup.move();
  return {
    sources,
    targets: [
      { larder: plain, ca: undefined, sources },
      { larder: secured, ca: pki.caPem, sources: sources.slice(0, 2) },
    ],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts a process with what is cold in its store, and nothing in memory: it is another one that has fetched it, and had no `more` flags. */
async function startFilled(
  { upstream, shelf }: Source,
  options: LarderOptions,
  more: readonly string[] = [],
): Promise<LarderProcess> {
  {
    await using before = await startLarder(options);
    const agent = new Agent({ keepAlive: true });
    for (const digest of shelf.cold) {
      const url = `${before.registry}/v2/${upstream.host}/${COLD}/manifests/${digest}`;
      assert.equal((await get(url, { agent })).status, 200);
    }
    agent.destroy();
    await before.stop();
  }
  return startLarder({ ...options, flags: [...(options.flags ?? []), ...more] });
}
