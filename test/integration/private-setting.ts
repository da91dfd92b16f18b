import assert from 'node:assert/strict';
import { blobOf, startLarder, type LarderProcess, type TestImage } from '../kit/index.ts';
import { packedImage } from '../parts/packed-image.ts';
import { pushImage } from '../parts/push.ts';
import {
  startRegistry,
  type Registry,
  type RegistryAuth,
  type RegistryOptions,
} from '../parts/start-registry.ts';
import type { Account } from '../parts/token-server.ts';
import type { Pull } from './client-table.ts';

/** May read what is secret. */
export const ALICE: Account = { username: 'alice', password: 'of-alice' };
/** Has a login as well, and may read only what is shared. */
export const BOB: Account = { username: 'bob', password: 'of-bob' };
/** May push everything; nobody pulls with it. */
export const OWNER: Account = { username: 'owner', password: 'of-owner' };

/** Larder in mode `Caller`, and the registries behind it. Disposing it stops all of them. */
export interface PrivateSetting<Name extends string> extends AsyncDisposable {
  readonly larder: LarderProcess;
  readonly registries: Readonly<Record<Name, Registry>>;
}

export interface PrivateSettingOptions<Name extends string> {
  /** The registries, by the names under which Larder knows them. */
  readonly upstreams: Readonly<Record<Name, RegistryOptions>>;
  /** The field `authentication` of each cache, beside the mode. */
  readonly authentication: Readonly<Record<string, string>>;
  /** Called for each registry before Larder starts. */
  readonly fill: (registry: Registry) => Promise<void>;
}

/** Starts the registries, fills them, and starts Larder. Throws an `Error` that names the part that did not start. */
export async function startPrivateSetting<Name extends string>(
  options: PrivateSettingOptions<Name>,
): Promise<PrivateSetting<Name>> {
  await using cleanup = new AsyncDisposableStack();
  const registries = new Map<Name, Registry>();
  for (const [name, upstream] of Object.entries(options.upstreams) as [Name, RegistryOptions][]) {
    const registry = cleanup.use(await startRegistry(upstream));
    registries.set(name, registry);
    await options.fill(registry);
  }
  const caches = [...registries].map(([upstream, { url }]) => ({
    upstream,
    remoteURL: url,
    authentication: { mode: 'Caller', ...options.authentication },
  }));
  const kind = { apiVersion: 'registry.extensions.gardener.cloud/v1alpha3', kind: 'RegistryConfig' };
  const larder = cleanup.use(await startLarder({ config: { ...kind, caches } }));
  const resources = cleanup.move();
  return {
    larder,
    registries: Object.fromEntries(registries) as Record<Name, Registry>,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** What a repository's images are to the accounts: alice's, hers and bob's, everybody's. */
const KINDS = ['secret', 'shared', 'open'] as const;

/** The images of one client, none of which it shares with another client: so each one finds the cache cold. */
export interface Content {
  readonly images: Readonly<Record<(typeof KINDS)[number], TestImage>>;
  repository(kind: (typeof KINDS)[number]): string;
}

/** The content for the client with this number. */
export function contentOf(client: number): Content {
  const [secret, shared, open] = [0, 1, 2].map((kind) => privateImage(client * KINDS.length + kind));
  return {
    images: { secret: secret!, shared: shared!, open: open! },
    repository: (kind) => `${kind}/client-${client}`,
  };
}

/** Puts the content of `clients` clients into the registry, and lets alice and bob in. */
export async function fillFor(clients: number, registry: Registry): Promise<void> {
  const contents = Array.from({ length: clients }, (_, client) => contentOf(client));
  for (const { images, repository } of contents) {
    for (const kind of KINDS) await pushImage(registry, repository(kind), images[kind], 'v1');
  }
  const shared = contents.map(({ repository }) => repository('shared'));
  await registry.allow(ALICE, [...contents.map(({ repository }) => repository('secret')), ...shared]);
  await registry.allow(BOB, shared);
}

/** A registry with tokens, whose repositories `open/...` of that many clients need no login. */
export function tokensFor(clients: number): RegistryAuth {
  const publicPull = Array.from({ length: clients }, (_, client) => contentOf(client).repository('open'));
  return { kind: 'token', account: OWNER, publicPull };
}

/** An image that every client can unpack, and none shares with another seed. */
export function privateImage(seed: number): TestImage {
  const layer = (name: string, size: number) => [{ name, content: blobOf(size, seed).read() }];
  return packedImage([layer('data', 300_000), layer('more', 1000)]);
}

/** How often Larder has asked the upstream for a blob's body. */
export function blobsAskedFor(larder: LarderProcess, upstream: string): Promise<number> {
  return larder.metric('larder_upstream_requests_total', {
    upstream_host: upstream,
    kind: 'blob',
    method: 'GET',
  });
}

/** Fails unless the client is content and has everything. */
export function assertPulled(pull: Pull, image: TestImage): void {
  assert.ok(pull.succeeded, pull.output);
  const missing = digestsOf(image).filter((digest) => !pull.digests.includes(digest));
  assert.deepEqual(missing, [], 'it succeeded, and a part of the image is missing');
}

/** Fails unless the client knows that it has not got the image, and has nothing of it. */
export function assertNotPulled(pull: Pull, image: TestImage): void {
  assert.equal(pull.succeeded, false, `it succeeded: ${pull.output}`);
  const held = digestsOf(image).filter((digest) => pull.digests.includes(digest));
  assert.deepEqual(held, [], 'it failed, and has got a part of the image');
}

/** The words of all clients for "you may not", or for "you would have to log in". */
const REFUSED =
  /\b401\b|\b403\b|unauthorized|denied|forbidden|no basic auth credentials|basic credential not found/i;

/** As {@link assertNotPulled}, and the client was told that it may not have it. */
export function assertRefused(pull: Pull, image: TestImage): void {
  assertNotPulled(pull, image);
  assert.match(pull.output, REFUSED);
}

function digestsOf(image: TestImage): string[] {
  return [image.digest, ...image.blobs.map((blob) => blob.digest)];
}
