import { blobOf, type TestImage } from '../kit/index.ts';
import { packedImage } from '../parts/packed-image.ts';
import { pushImage } from '../parts/push.ts';
import type { Registry, RegistryAuth } from '../parts/start-registry.ts';
import { ALICE, BOB, OWNER } from './private-setting.ts';

/** Kinds of repositories: `secret` is readable by alice, `shared` by alice and bob, `open` by all callers. */
const KINDS = ['secret', 'shared', 'open'] as const;

/** Images of one client, none of which another client has, so that each client finds the cache cold. */
export interface Content {
  readonly images: Readonly<Record<(typeof KINDS)[number], TestImage>>;
  readonly repository: (kind: (typeof KINDS)[number]) => string;
}

/** Makes the content for the client with this number. */
export function contentOf(client: number): Content {
  const [secret, shared, open] = [0, 1, 2].map((kind) => privateImage(client * KINDS.length + kind));
  return {
    images: { secret: secret!, shared: shared!, open: open! },
    repository: (kind) => `${kind}/client-${client}`,
  };
}

/** Pushes the content of `clients` clients to the registry, and gives alice and bob access. */
export async function fillFor(clients: number, registry: Registry): Promise<void> {
  const contents = Array.from({ length: clients }, (_, client) => contentOf(client));
  for (const { images, repository } of contents) {
    for (const kind of KINDS) await pushImage(registry, repository(kind), images[kind], 'v1');
  }
  const shared = contents.map(({ repository }) => repository('shared'));
  await registry.allow(ALICE, [...contents.map(({ repository }) => repository('secret')), ...shared]);
  await registry.allow(BOB, shared);
}

/** Token authentication in which the repositories `open/...` of `clients` clients need no login. */
export function tokensFor(clients: number): RegistryAuth {
  const publicPull = Array.from({ length: clients }, (_, client) => contentOf(client).repository('open'));
  return { kind: 'token', account: OWNER, publicPull };
}

/** Makes an image that every client can unpack. Images of different seeds share no content. */
export function privateImage(seed: number): TestImage {
  const layer = (name: string, size: number) => [{ name, content: blobOf(size, seed).read() }];
  return packedImage([layer('data', 300_000), layer('more', 1000)]);
}
