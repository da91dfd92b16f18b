import { BODIES, HEADERS, METHODS, TARGETS, VERSIONS } from './odd-parts.ts';
import type { Random } from './random.ts';
import type { Source } from './setting.ts';
import { REPOSITORIES } from './shelf.ts';

/** A request as text, in Latin-1: mostly one that Larder can make sense of, in each part now and then one that nobody should send. */
export function oddRequest(random: Random, source: Source): string {
  const method = random.chance(0.6) ? 'GET' : random.pick(METHODS);
  const target = random.chance(0.7) ? usualTarget(random, source) : random.pick(TARGETS);
  const version = random.chance(0.95) ? 'HTTP/1.1' : random.pick(VERSIONS);
  const headers = random.chance(0.95) ? ['Host: larder'] : [];
  for (let count = random.int(4); count > 0; count -= 1) headers.push(random.pick(HEADERS));
  const body = random.chance(0.15) ? random.pick(BODIES) : undefined;
  if (body !== undefined) headers.push(body.header);
  return `${method} ${target} ${version}\r\n${headers.join('\r\n')}\r\n\r\n${body?.content ?? ''}`;
}

/** A target that exists: a blob, a manifest, a list, a token. */
export function usualTarget(random: Random, { upstream, shelf }: Source): string {
  const repository = random.pick(REPOSITORIES);
  const [tag, image] = random.pick([...shelf.tags]);
  const blobs = [...shelf.blobs.keys()];
  const rest = random.pick([
    `manifests/${tag}`,
    `manifests/${image.digest}`,
    `blobs/${random.pick(blobs)}`,
    `blobs/${random.pick(blobs)}`,
    `blobs/${image.digest}`,
    'tags/list',
    `referrers/${image.digest}`,
  ]);
  switch (random.weighted({ alias: 5, ns: 5, ping: 1, token: 1 })) {
    case 'alias':
      return `/v2/${upstream.host}/${repository}/${rest}`;
    case 'ns':
      return `/v2/${repository}/${rest}?ns=${upstream.host}`;
    case 'ping':
      return `/v2/?ns=${upstream.host}`;
    case 'token':
      return `/token/${upstream.host}?service=x&scope=repository:${upstream.host}/${repository}:pull`;
  }
}
