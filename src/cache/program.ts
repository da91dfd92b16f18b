import type { Server as TlsServer } from 'node:https';
import type { CacheConfig } from '../api/registry-config/effective.ts';
import { CLOUD_PROVIDERS } from '../api/registry-config/schema.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { declareCacheMetrics, type CacheMetrics } from './metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { fingerprint } from '../kit/watch-files.ts';
import { CHUNK_BYTES } from '../store/sums/chunk-sums.ts';
import { openStore, type ScrubSettings } from '../store/store.ts';
import type { MaintainedStore } from '../store/maintenance/maintenance.ts';
import { createCloudLogin } from '../upstream/cloud/cloud-login.ts';
import { createConfiguredCredentials } from '../upstream/credentials/configured-credentials.ts';
import { createCredentialState } from '../upstream/credentials/credential-state.ts';
import { createSecretDirectory, type SecretDirectory } from '../upstream/credentials/secret-directory.ts';
import type { Upstream } from '../upstream/types.ts';
import { createUpstream } from '../upstream/upstream.ts';
import { createAccess, type Access } from './access/access.ts';
import { createActiveConfig, type ActiveConfig } from './active-config.ts';
import { createAdminActions } from './admin/actions.ts';
import { createAdminGuard } from '../kit/admin/guard.ts';
import { openAdminToken } from '../kit/admin/token-file.ts';
import { createAdminListener } from '../kit/admin/admin-listener.ts';
import { createAccessCheck } from './answers/authorize.ts';
import { createBlobAnswers } from './answers/blob.ts';
import { createListAnswers } from './answers/lists.ts';
import { createManifestAnswers } from './answers/manifest.ts';
import { createStaleFallback } from './pull/stale-fallback.ts';
import { createPingAnswers } from './token/ping.ts';
import { createTagFreshness } from './answers/tag-freshness.ts';
import { loadConfig } from './config-file.ts';
import { warnOfClearText, warnOfConfig } from './config-warnings.ts';
import { createMender } from './mender.ts';
import { declareEvents, declareUpstreams } from './declared-series.ts';
import { createHandler } from './handler.ts';
import { drain, formatAddress, listen, type Address } from '../kit/listen.ts';
import { createObserver } from './http/observe.ts';
import { createRegistryListener } from './http/registry-listener.ts';
import { createBufferPool } from './pull/buffer-pool.ts';
import { createPulls, type Pulls } from './pulls.ts';
import { createRepair } from './repair.ts';
import { statsDocument } from './stats.ts';
import { showStore } from './store-gauges.ts';
import { createUpstreamHealth } from './upstream-health.ts';
import { createTokenRealm } from './token/token-realm.ts';
import { upstreamNames, watchConfig } from './watch-config.ts';
import { readTls, watchTls, type TlsFiles } from './tls-files.ts';

/** Running responses may take this long after SIGTERM (contract: "Life"). */
const DRAIN_MS = 30_000;

/** 16 readers at full speed, two buffers each, take 16 MiB; more go on with small buffers. */
const BUFFERS = {
  largeBytes: 512 * 1024,
  largeCount: 32,
  largeIdle: 16,
  // The least that stored bytes can be checked by.
  smallBytes: CHUNK_BYTES,
};

export interface ServeSettings {
  readonly configFile: string | undefined;
  readonly secretsDirectory: string | undefined;
  readonly address: Address;
  readonly adminAddress: Address;
  /** Holds the token that changes by the admin listener need. */
  readonly adminTokenFile: string | undefined;
  readonly storeDirectory: string;
  /** Undefined: 90 % of the file system. */
  readonly maxBytes: number | undefined;
  /** In idle time; undefined: as the store sees fit, 0: not at all. */
  readonly scrubBytesPerSecond: number | undefined;
  readonly tlsFiles: TlsFiles | undefined;
  readonly defaultUpstream: string | undefined;
  /** Where clients reach the registry listener, when that is not what they write in `Host`. */
  readonly externalUrl: URL | undefined;
  readonly version: string;
  /** For `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface RunningCache {
  readonly registryUrl: string;
  readonly adminUrl: string;
  /** Not ready any more, running responses end, everything is closed. */
  stop(): Promise<void>;
}

/**
 * The object graph of `larder serve`. Resolves when it serves. Throws `CONFIG_INVALID`, `STORE_IN_USE`, `STORE_UNUSABLE`,
 * `STORE_ADOPTION_AMBIGUOUS`, `ADDRESS_IN_USE`, `TLS_FILES_INVALID` or `ADMIN_TOKEN_INVALID`, with nothing left open.
 */
export async function startCache(
  settings: ServeSettings,
  clock: Clock,
  logger: Logger,
): Promise<RunningCache> {
  const { configFile, tlsFiles } = settings;
  const configAsRead = await fingerprint(configFile === undefined ? [] : [configFile]);
  const config = await loadConfig(configFile);
  const tlsAsRead = await fingerprint(tlsFiles === undefined ? [] : [tlsFiles.cert, tlsFiles.key]);
  const tls = tlsFiles === undefined ? undefined : await readTls(tlsFiles);
  const metrics = declareCacheMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(logger);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => tasks.close());

  // Until it serves it has enough to do.
  let isBusy = (): boolean => true;
  const store = await openStore(
    { clock, logger, metrics, tasks },
    {
      directory: settings.storeDirectory,
      maxBytes: settings.maxBytes,
      policies: new Map(),
      adoptDistribution: config.caches.length === 1 ? config.caches[0]?.upstream : 'ambiguous',
      scrub: scrubSettings(settings, () => isBusy()),
    },
  );
  cleanup.defer(() => store.close());

  const secrets = await createSecretDirectory({ clock, logger, metrics, tasks }, settings.secretsDirectory);
  const active = createActiveConfig(
    {
      store,
      tasks,
      connect: (cache) => connect(cache, settings, { clock, logger, metrics, tasks, secrets }),
      defaultUpstream: settings.defaultUpstream,
    },
    config,
  );
  cleanup.defer(() => active.close());
  // Fills are stopped before their connections are closed, and leave their bytes in a store that is still open.
  cleanup.defer(() => tasks.close());
  declareEvents(metrics);
  declareUpstreams(metrics, upstreamNames(config));
  warnOfConfig(config, logger);

  const access = createAccess({ store, clock });
  const observer = createObserver(metrics, logger, clock);
  const health = createUpstreamHealth(clock);
  let responding = 0;
  const pulls = createPulls({ store, tasks, metrics, clock, logger });
  isBusy = () => responding > 0 || pulls.engine.fillCount > 0;
  const { maintenance } = store;
  const repair = createRepair({
    table: () => active.table,
    access,
    pulls: pulls.engine,
    manifests: pulls.manifests,
    isDamaged: (digest) => maintenance.isDamaged(digest),
  });
  tasks.run('mend', createMender({ maintenance, repair, clock, logger }));
  const registry = createRegistryListener(
    {
      handle: createRegistryHandler(
        { store, active, access, tasks, metrics, clock, logger, pulls },
        settings,
      ),
      observe: (exchange, startedAt) => {
        responding -= 1;
        observer.observe(exchange, startedAt);
        health.note(exchange);
      },
      began: () => {
        responding += 1;
      },
      clock,
      logger,
    },
    tls,
  );
  let stopping = false;
  let serving = false;
  const admin = createAdminListener({
    metrics,
    logger,
    ready: () => serving && !stopping,
    documents: {
      '/api/v1/stats': () =>
        statsDocument(
          {
            clock,
            store,
            metrics,
            totals: observer.totals,
            health,
            version: settings.version,
            directory: settings.storeDirectory,
          },
          active.table,
        ),
    },
    refresh: () => showStore(metrics, store.stats()),
    actions: {
      guard: createAdminGuard(await adminToken(settings, { tasks, clock, logger })),
      clock,
      byPath: createAdminActions({ maintenance, active, repair, tasks, logger }),
    },
  });
  const adminAt = await listen(admin, settings.adminAddress, '--admin-address');
  cleanup.defer(() => drain(admin, () => 0, clock, 0));
  const registryAt = await listen(registry, settings.address, '--address');
  cleanup.defer(() => drain(registry, () => responding, clock, DRAIN_MS));
  serving = true;
  if (tls === undefined && settings.externalUrl?.protocol !== 'https:')
    warnOfClearText(config, settings.address, logger);

  if (configFile !== undefined)
    watchConfig(configFile, configAsRead, active, { tasks, metrics, clock, logger });
  if (tlsFiles !== undefined) watchTls(tlsFiles, tlsAsRead, registry as TlsServer, { tasks, clock, logger });

  const owned = cleanup.move();
  return {
    registryUrl: `${tls === undefined ? 'http' : 'https'}://${formatAddress(registryAt)}`,
    adminUrl: `http://${formatAddress(adminAt)}`,
    async stop() {
      stopping = true;
      await owned.disposeAsync();
    },
  };
}

async function adminToken(
  { adminTokenFile }: ServeSettings,
  deps: Pick<GraphDeps, 'tasks' | 'clock' | 'logger'>,
): Promise<() => string | undefined> {
  return adminTokenFile === undefined ? () => undefined : openAdminToken(adminTokenFile, deps);
}

interface GraphDeps {
  readonly store: MaintainedStore;
  readonly active: ActiveConfig;
  readonly tasks: TaskGroup;
  readonly metrics: CacheMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

function createRegistryHandler(
  {
    store,
    active,
    access,
    tasks,
    metrics,
    clock,
    logger,
    pulls,
  }: GraphDeps & {
    readonly access: Access;
    readonly pulls: Pulls;
  },
  { externalUrl }: Pick<ServeSettings, 'externalUrl'>,
) {
  const { signal } = tasks;
  const { engine, manifests, failures, sizes } = pulls;
  const staleFallback = createStaleFallback(clock);
  const authorize = createAccessCheck(staleFallback);
  const tokens = createTokenRealm({
    store,
    access,
    clock,
    logger,
    metrics,
    externalUrl,
  });
  return createHandler({
    table: () => active.table,
    access,
    answerPing: createPingAnswers({ access, tokens, clock }),
    answerManifest: createManifestAnswers({
      manifests,
      authorize,
      resolveTag: createTagFreshness({ store, manifests, staleFallback, clock, failures, signal }),
      clock,
      logger,
    }),
    answerBlob: createBlobAnswers({
      store,
      pulls: engine,
      authorize,
      pool: createBufferPool(BUFFERS),
      sizes,
      clock,
      joined: () => metrics.fillJoins.inc(),
    }),
    lists: createListAnswers({ clock, failures, signal }),
    tokens,
  });
}

function connect(
  cache: CacheConfig,
  settings: ServeSettings,
  deps: Omit<GraphDeps, 'store' | 'active'> & { readonly secrets: SecretDirectory },
): Upstream {
  const secrets = deps.secrets.open(cache);
  const logger = deps.logger.with({ upstream: cache.upstream });
  const credentialState = createCredentialState(cache.upstream, { logger, metrics: deps.metrics });
  const options = {
    name: cache.upstream,
    remoteURL: cache.remoteURL,
    userAgent: `larder/${settings.version}`,
    caBundle: secrets.caBundle(),
    proxy: cache.proxy,
    env: settings.environment,
  };
  // A login that is no longer configured fails no longer.
  for (const gauge of [deps.metrics.cloudLoginFailing, deps.metrics.cloudLoginEnd])
    for (const provider of CLOUD_PROVIDERS) gauge.remove({ upstream_host: cache.upstream, provider });
  const credentials = createConfiguredCredentials(cache, {
    secret(name) {
      const read = secrets.credentialOf(name, (credential) =>
        credentialState.gives(`Secret ${name}`, credential),
      );
      return (_signal, refused) => (refused === undefined ? read() : deps.secrets.refresh().then(read));
    },
    cloudLogin(provider) {
      const login = createCloudLogin(deps, provider, options);
      return async (signal, refused) => {
        const credential = await login(signal, refused);
        credentialState.gives(provider, credential);
        return credential;
      };
    },
  });
  const client = createUpstream(deps, { ...options, credentials, credentialState });
  return {
    ...client,
    close() {
      secrets.close();
      return client.close();
    },
  };
}

function scrubSettings(
  { scrubBytesPerSecond }: ServeSettings,
  busy: () => boolean,
): ScrubSettings | undefined {
  return scrubBytesPerSecond === 0 ? undefined : { bytesPerSecond: scrubBytesPerSecond, busy };
}
