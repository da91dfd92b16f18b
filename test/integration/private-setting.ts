import { startLarder, type LarderProcess } from '../kit/index.ts';
import { startRegistry, type Registry, type RegistryOptions } from '../parts/start-registry.ts';
import type { Account } from '../parts/token-server.ts';

/** Account that may read `secret` and `shared`. */
export const ALICE: Account = { username: 'alice', password: 'of-alice' };
/** Account that may read `shared` only. */
export const BOB: Account = { username: 'bob', password: 'of-bob' };
/** Account that may push everything. No test pulls with it. */
export const OWNER: Account = { username: 'owner', password: 'of-owner' };

/** Larder in mode `Caller`, and the registries behind it. Disposing stops all of them. */
export interface PrivateSetting<Name extends string> extends AsyncDisposable {
  readonly larder: LarderProcess;
  readonly registries: Readonly<Record<Name, Registry>>;
}

export interface PrivateSettingOptions<Name extends string> {
  /** Registries by the names of their upstreams. */
  readonly upstreams: Readonly<Record<Name, RegistryOptions>>;
  /** Fields of `authentication` of each cache, besides the mode. */
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

/** Counts the requests for blobs that Larder sends to the upstream while `work` runs. */
export async function blobsAskedDuring(
  larder: LarderProcess,
  upstream: string,
  work: () => Promise<void>,
): Promise<number> {
  const labels = { upstream_host: upstream, kind: 'blob', method: 'GET' };
  const before = await larder.metric('larder_upstream_requests_total', labels);
  await work();
  return (await larder.metric('larder_upstream_requests_total', labels)) - before;
}
