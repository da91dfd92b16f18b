/** The images with which real Distribution registries fill a volume, and the configuration with which Larder takes it over. */
import { imageOf, indexOf, pullImage, type Upstream } from '../kit/index.ts';
import type { LinkKind } from '../../src/store/distribution/distribution-layout.ts';

export const LOGIN = { username: 'robot', password: 'correct horse' };

const image = imageOf({ layers: [300_000, 10] });
const index = indexOf([image, imageOf({ seed: 2, layers: [50_000] })]);
const docker = imageOf({ seed: 3, format: 'docker' });

const TAGS = [
  ['team/app', 'v1', image],
  ['team/app', 'multi', index],
  ['deep/er/name', 'v1', docker],
] as const;

/** Repositories and tags that are pulled. */
export const PULLED = TAGS.map(([repository, tag]) => [repository, tag] as const);

/** Options of an upstream with the login, or without. */
export function authOf(login: typeof LOGIN | undefined) {
  return login && ({ auth: 'bearer', users: { [login.username]: login.password } } as const);
}

export function pushAll(upstream: Upstream): void {
  for (const [repository, tag, of] of TAGS) upstream.push(repository, of, tag);
}

/** Pulls everything. Returns the kinds of links by `repository@digest`. */
export async function pullAll(url: string): Promise<ReadonlyMap<string, LinkKind>> {
  const found = new Map<string, LinkKind>();
  for (const [repository, tag] of PULLED) {
    const { manifests, blobs } = await pullImage(url, repository, tag);
    for (const digest of manifests) found.set(`${repository}@${digest}`, '_manifests/revisions');
    for (const digest of blobs) found.set(`${repository}@${digest}`, '_layers');
  }
  return found;
}

/** Text of a `config.yml` for the volume in `rootdirectory`. */
export function configText(
  rootdirectory: string,
  upstream: Upstream,
  login: typeof LOGIN | undefined,
): string {
  return JSON.stringify({
    version: 0.1,
    storage: { filesystem: { rootdirectory } },
    http: { addr: '127.0.0.1:0', debug: { addr: '127.0.0.1:0', prometheus: { enabled: true } } },
    proxy: { remoteurl: upstream.url, ...login },
  });
}
