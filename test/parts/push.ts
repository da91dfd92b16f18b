import type { TestImage } from '../kit/image.ts';
import type { TestBlob } from '../kit/blob.ts';
import type { Registry } from './start-registry.ts';

/**
 * Puts an image, with everything it refers to, into a real registry byte by byte, as the distribution spec has it:
 * blobs first, then the manifests below, then the manifest itself under `tag`, or under its digest when none is given.
 * Throws an `Error` that names the step and the registry's answer when a step is refused.
 */
export async function pushImage(
  registry: Pick<Registry, 'url' | 'authorization'>,
  repository: string,
  image: TestImage,
  tag: string = image.digest,
): Promise<void> {
  for (const blob of image.blobs) await pushBlob(registry, repository, blob);
  for (const child of image.children) await pushImage(registry, repository, child);
  await send(registry, repository, `${registry.url}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': image.mediaType },
    body: image.bytes,
  });
}

async function pushBlob(
  registry: Pick<Registry, 'url' | 'authorization'>,
  repository: string,
  blob: TestBlob,
): Promise<void> {
  const base = `${registry.url}/v2/${repository}/blobs/uploads/`;
  const started = await send(registry, repository, base, { method: 'POST' });
  const location = new URL(started.headers.get('location') ?? base, base);
  location.searchParams.set('digest', blob.digest);
  await send(registry, repository, location.href, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
    body: blob.size === 0 ? new Uint8Array() : blob.stream(),
    duplex: 'half',
  });
}

async function send(
  registry: Pick<Registry, 'authorization'>,
  repository: string,
  url: string,
  init: RequestInit,
): Promise<Response> {
  const authorization = registry.authorization(repository);
  const headers = new Headers(init.headers);
  if (authorization !== undefined) headers.set('authorization', authorization);
  const response = await fetch(url, { ...init, headers });
  const answer = await response.text();
  if (response.ok) return response;
  throw new Error(`${init.method} ${new URL(url).pathname} was answered with ${response.status}: ${answer}`);
}
