import type { Server as TlsServer } from 'node:https';
import type { CacheConfig, RegistryConfig } from '../api/registry-config/effective.ts';
import type { Clock } from '../kit/clock.ts';
import { drain, formatAddress, listen, type Address } from '../kit/listen.ts';
import type { Logger } from '../kit/logger.ts';
import { createProcessMetrics } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { fileFingerprint } from '../kit/watch-files.ts';
import type { MaintainedStore } from '../store/maintenance/maintenance.ts';
import { openPassThroughStore } from '../store/pass-through-store.ts';
import { openStore, type StoreDeps } from '../store/store.ts';
import { createSecretDirectory } from '../upstream/credentials/secret-directory.ts';
import {
  createSecretFiles,
  type SecretFiles,
  type SecretFilesDeps,
} from '../upstream/credentials/secret-files.ts';
import type { Upstream } from '../upstream/types.ts';
import { createAccess } from './access/access.ts';
import { createActiveConfig } from './active-config.ts';
import { composeAdmin } from './compose-admin.ts';
import { composeRegistry } from './compose-registry.ts';
import type { ConfigSource } from './config-source.ts';
import { warnOfClearText, warnOfConfig } from './config-warnings.ts';
import { connectUpstream } from './connect-upstream.ts';
import type { DistributionMode } from './distribution/distribution-mode.ts';
import type { Tls } from './http/registry-listener.ts';
import { readTls, watchTls, type TlsFiles } from './http/tls-files.ts';
import { createBackgroundRepair } from './background-repair.ts';
import { declareCacheMetrics, zeroEventSeries, zeroUpstreamSeries } from './metrics.ts';
import { createPulls } from './pulls.ts';
import { createRepair } from './repair.ts';
import { upstreamNames, watchConfig } from './watch-config.ts';

/** Time that running responses get after SIGTERM (docs/guide/operations.md). */
const DRAIN_MS = 30_000;

export interface ServeSettings {
  readonly config: ConfigSource;
  readonly secretsDirectory: string | undefined;
  readonly address: Address;
  readonly adminAddress: Address;
  /** Holds the token for changes through the admin listener. */
  readonly adminTokenFile: string | undefined;
  readonly storeDirectory: string;
  /** Undefined: 90 % of the file system. */
  readonly maxBytes: number | undefined;
  /** Rate of the scrub, which runs in idle time. Undefined: the store decides. 0: no scrub. */
  readonly scrubBytesPerSecond: number | undefined;
  readonly tlsFiles: TlsFiles | undefined;
  readonly defaultUpstream: string | undefined;
  /** URL by which clients reach the registry listener, if that is not the address in their `Host`. */
  readonly externalUrl: URL | undefined;
  /** Undefined for a cache that is not configured as a registry of the Distribution project. */
  readonly distribution: DistributionMode | undefined;
  /** True: the store goes back to Distribution, and nothing is stored (decision 0021). */
  readonly handBack: boolean;
  readonly version: string;
  /** For `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface RunningCache {
  readonly registryUrl: string;
  readonly adminUrl: string;
  /** Reports not ready, lets running responses end, and closes everything. */
  stop(): Promise<void>;
}

/**
 * Builds the object graph of `larder serve`. Resolves when the cache is ready. Throws `CONFIG_INVALID`, `STORE_IN_USE`,
 * `STORE_UNUSABLE`, `STORE_ADOPTION_AMBIGUOUS`, `STORE_HAND_BACK_AMBIGUOUS`, `ADDRESS_IN_USE`, `TLS_FILES_INVALID` or `ADMIN_TOKEN_INVALID`, with nothing
 * left open.
 */
export async function startCache(
  settings: ServeSettings,
  clock: Clock,
  logger: Logger,
): Promise<RunningCache> {
  const { tlsFiles, defaultUpstream, externalUrl, distribution } = settings;
  const files = await readFiles(settings, logger);
  const { config, tls } = files;
  const metrics = declareCacheMetrics(createProcessMetrics());
  const tasks = new TaskGroup(logger);
  const base = { tasks, metrics, clock, logger };
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => tasks.close());

  let phase: 'starting' | 'serving' | 'stopping' = 'starting';
  // The scrub does not read while the cache starts: listener and pulls do not exist yet.
  const isBusy = (): boolean =>
    phase === 'starting' || registry.responding() > 0 || pulls.engine.fillCount > 0;
  const store = await openCacheStore(base, settings, config, isBusy);
  cleanup.defer(() => store.close());

  const secrets = createSecretDirectory(base, await openSecrets(base, settings));
  const connect = (cache: CacheConfig): Upstream => connectUpstream({ ...base, secrets }, cache, settings);
  const active = createActiveConfig(
    { store, tasks, connect, defaultUpstream, isSingleUpstream: distribution !== undefined },
    config,
  );
  cleanup.defer(() => active.close());
  // Fills stop before their connections close, and leave their bytes in a store that is still open.
  cleanup.defer(() => tasks.close());
  zeroEventSeries(metrics);
  zeroUpstreamSeries(metrics, upstreamNames(config));
  warnOfConfig(config, logger);

  const access = createAccess({ store, clock });
  const pulls = createPulls({ ...base, store });
  const { maintenance } = store;
  const repair = createRepair({ active, access, pulls, maintenance });
  tasks.run('repair damage', createBackgroundRepair({ maintenance, repair, clock, logger }));

  const registry = composeRegistry(
    { ...base, store, active, access, pulls },
    { externalUrl, tls, headers: distribution?.headers },
  );
  const isReady = (): boolean => phase === 'serving';
  const admin = await composeAdmin({ ...base, ...registry, store, active, repair, isReady }, settings);
  const adminAt = await listen(admin, settings.adminAddress, '--admin-address');
  cleanup.defer(() => drain(admin, () => 0, clock, 0));
  const registryAt = await listen(registry.server, settings.address, '--address');
  cleanup.defer(() => drain(registry.server, registry.responding, clock, distribution?.drainMs ?? DRAIN_MS));
  phase = 'serving';
  if (tls === undefined && externalUrl?.protocol !== 'https:')
    warnOfClearText(config, settings.address, logger);
  if (settings.config.files.length > 0) watchConfig(settings.config, files.configFingerprint, active, base);
  if (tlsFiles !== undefined) watchTls(tlsFiles, files.tlsFingerprint, registry.server as TlsServer, base);

  const owned = cleanup.move();
  return {
    registryUrl: `${tls === undefined ? 'http' : 'https'}://${formatAddress(registryAt)}`,
    adminUrl: `http://${formatAddress(adminAt)}`,
    async stop() {
      phase = 'stopping';
      await owned.disposeAsync();
    },
  };
}

/**
 * Configuration and TLS files as first read. The fingerprints are taken before reading, so that no later change is missed.
 */
interface FirstFiles {
  readonly config: RegistryConfig;
  readonly configFingerprint: string;
  readonly tls: Tls | undefined;
  readonly tlsFingerprint: string;
}

async function readFiles({ config: source, tlsFiles }: ServeSettings, logger: Logger): Promise<FirstFiles> {
  const configFingerprint = await fileFingerprint(source.files);
  const config = await source.load(logger);
  const tlsFingerprint = await fileFingerprint(tlsFiles === undefined ? [] : [tlsFiles.cert, tlsFiles.key]);
  const tls = tlsFiles === undefined ? undefined : await readTls(tlsFiles);
  return { config, configFingerprint, tls, tlsFingerprint };
}

async function openSecrets(
  deps: SecretFilesDeps,
  { config, secretsDirectory }: ServeSettings,
): Promise<SecretFiles | undefined> {
  const directory =
    secretsDirectory === undefined ? undefined : await createSecretFiles(secretsDirectory, deps);
  return config.withOwnSecrets?.(directory) ?? directory;
}

async function openCacheStore(
  deps: StoreDeps,
  { config, storeDirectory, maxBytes, scrubBytesPerSecond, handBack }: ServeSettings,
  { caches }: RegistryConfig,
  isBusy: () => boolean,
): Promise<MaintainedStore> {
  if (handBack)
    return openPassThroughStore(deps, {
      directory: storeDirectory,
      upstreams: caches.map(({ upstream }) => upstream),
      isShared: caches[0]?.authentication.mode === 'Shared',
      ttlMs: caches[0]?.garbageCollection.ttlMs ?? 0,
    });
  const sole = caches.length === 1 ? caches[0] : undefined;
  return openStore(deps, {
    directory: storeDirectory,
    maxBytes,
    policies: new Map(),
    adoptDistribution: sole?.upstream ?? 'ambiguous',
    adoptsPublic: isSameOrigin(sole?.remoteURL, config.askedAnonymously),
    scrub: scrubBytesPerSecond === 0 ? undefined : { bytesPerSecond: scrubBytesPerSecond, busy: isBusy },
  });
}

function isSameOrigin(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && new URL(one).origin === new URL(other).origin;
}
