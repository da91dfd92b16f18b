import type { LarderProcess } from '../kit/index.ts';
import { startLarder } from '../kit/index.ts';
import { startRegistry, type Registry, type RegistryAuth } from '../parts/start-registry.ts';
import type { Account } from '../parts/token-server.ts';

/** Registries behind Larder in these suites, with the names of their upstreams. */
export const UPSTREAMS = { registry3: 'three.test', registry2: 'two.test' } as const;
export type UpstreamPart = keyof typeof UPSTREAMS;

/** Account that may read private content. */
export const ACCOUNT: Account = { username: 'robot', password: 'pull:secret' };

/** Larder in front of one Distribution 3 and one 2.8. Disposing stops all three. */
export interface Setting extends AsyncDisposable {
  readonly larder: LarderProcess;
  readonly registries: Readonly<Record<UpstreamPart, Registry>>;
}

export interface SettingOptions {
  readonly auth?: RegistryAuth;
  /** True if {@link ACCOUNT} is the configured credential of both upstreams. */
  readonly configuredSecret?: boolean;
  /** Called before Larder starts. */
  readonly fill?: (registry: Registry) => Promise<void>;
  /** Directory of the store. Default: a temporary one. */
  readonly store?: string;
}

/** Starts both registries, fills them, and starts Larder. Throws an `Error` that names the part that did not start. */
export async function startSetting(options: SettingOptions = {}): Promise<Setting> {
  const { auth = { kind: 'none' }, configuredSecret = false, fill, store } = options;
  await using cleanup = new AsyncDisposableStack();
  const registries = {
    registry3: cleanup.use(await startRegistry({ part: 'registry3', auth })),
    registry2: cleanup.use(await startRegistry({ part: 'registry2', auth })),
  };
  for (const registry of Object.values(registries)) await fill?.(registry);
  const larder = cleanup.use(
    await startLarder({
      config: configurationOf(registries, configuredSecret),
      ...(configuredSecret && { secrets: { robot: { ...ACCOUNT } } }),
      ...(store !== undefined && { store }),
    }),
  );
  const resources = cleanup.move();
  return { larder, registries, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Makes the RegistryConfig document with both registries as upstreams. */
export function configurationOf(registries: Setting['registries'], configuredSecret = false): object {
  return {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryConfig',
    caches: (['registry3', 'registry2'] as const).map((part) => ({
      upstream: UPSTREAMS[part],
      remoteURL: registries[part].url,
      ...(configuredSecret && { secretReferenceName: 'robot' }),
    })),
  };
}
