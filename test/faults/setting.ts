/** Shared by the fault suites: a cache in front of one programmable upstream, and the URLs of its content. */
import {
  startLarder,
  type GetResult,
  type LarderOptions,
  type LarderProcess,
  type Upstream,
} from '../kit/index.ts';

/** The large sizes and the real time-outs; `.ci/run` sets it. Without it the same tests run with less. */
export const HEAVY = process.env['LARDER_HEAVY'] === '1';

export const MiB = 1 << 20;

export interface CacheOptions extends Omit<LarderOptions, 'config'> {
  /** More settings of the cache: `freshness`, `garbageCollection`, `secretReferenceName`, ... */
  readonly cache?: object;
}

/** `larder serve` with `upstream` as its only, and so its default, upstream. */
export function startCache(
  upstream: Upstream,
  { cache, ...options }: CacheOptions = {},
): Promise<LarderProcess> {
  return startLarder({ ...options, config: configOf(upstream, cache) });
}

/** The configuration of {@link startCache}. */
export function configOf(upstream: Upstream, cache: object = {}): object {
  return configWith([{ upstream: upstream.host, remoteURL: upstream.url, ...cache }]);
}

/** A `RegistryConfig` document with these caches. */
export function configWith(caches: readonly object[]): object {
  return { apiVersion: 'registry.extensions.gardener.cloud/v1alpha3', kind: 'RegistryConfig', caches };
}

/** Registry that requests go to, and the alias of the upstream if there are several. */
export interface Addressed extends Pick<LarderProcess, 'registry'> {
  readonly alias?: string;
}

export function blobUrl(larder: Addressed, repository: string, { digest }: { digest: string }): string {
  return `${baseUrl(larder)}/${repository}/blobs/${digest}`;
}

export function manifestUrl(larder: Addressed, repository: string, reference: string): string {
  return `${baseUrl(larder)}/${repository}/manifests/${reference}`;
}

/** `/v2`, with the alias where there is one. */
export function baseUrl({ registry, alias }: Addressed): string {
  return alias === undefined ? `${registry}/v2` : `${registry}/v2/${alias}`;
}

/** The header as a list of its parameters: `larder`, `hit`, `ttl=30`. */
export function cacheStatus({ headers }: GetResult): string[] {
  return String(headers['cache-status']).split('; ');
}

/** The code of the first error in an error document. */
export function errorCode(answer: GetResult): string | undefined {
  return (answer.json() as { errors?: { code: string }[] }).errors?.[0]?.code;
}
