import type { Cluster } from '../../cluster/start-cluster.ts';
import { createTestPki, startUpstream, type TestPki, type Upstream } from '../../kit/index.ts';
import type { Place } from '../../kit/place.ts';
import { ALICE, BOB, CLOSED, OPEN } from '../setting.ts';
import { readLarderImage } from './larder-test-image.ts';

/** Registry that has the image of Larder. */
export const IMAGES = 'images.example.com';
export const REGISTRIES = [OPEN, CLOSED, IMAGES];

/** The registries of a company, with one authority. */
export interface Registries extends AsyncDisposable {
  readonly open: Upstream;
  readonly closed: Upstream;
  readonly images: Upstream;
}

export function createRegistryPki(): TestPki {
  return createTestPki(REGISTRIES);
}

/** Starts them at the addresses of a cluster. {@link IMAGES} has the built image of Larder with these tags. */
export async function startRegistries(
  cluster: Place & Pick<Cluster, 'addressOf'>,
  pki: TestPki,
  larder: { readonly directory: string; readonly repository: string; readonly tags: readonly string[] },
): Promise<Registries> {
  await using cleanup = new AsyncDisposableStack();
  const at = (name: string) => ({ place: cluster, address: cluster.addressOf(name), port: 443, tls: pki });
  const open = cleanup.use(await startUpstream(at(OPEN)));
  const users = Object.fromEntries([ALICE, BOB].map(({ username, password }) => [username, password]));
  const closed = cleanup.use(await startUpstream({ ...at(CLOSED), auth: 'basic', users }));
  const images = cleanup.use(await startUpstream(at(IMAGES)));
  const image = readLarderImage(larder.directory);
  for (const tag of larder.tags) images.push(larder.repository, image, tag);
  const resources = cleanup.move();
  return { open, closed, images, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
