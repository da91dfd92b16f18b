import { blobOf, type TestImage } from '../kit/index.ts';
import { packedImage } from '../parts/packed-image.ts';
import { pushImage } from '../parts/push.ts';
import type { Registry, RegistryAuth } from '../parts/start-registry.ts';
import { ALICE, BOB, OWNER } from './private-setting.ts';

/** What a repository's images are to the accounts: alice's, hers and bob's, everybody's. */
const KINDS = ['secret', 'shared', 'open'] as const;

/** The images of one client, none of which it shares with another client: so each one finds the cache cold. */
export interface Content {
  readonly images: Readonly<Record<(typeof KINDS)[number], TestImage>>;
  readonly repository: (kind: (typeof KINDS)[number]) => string;
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
