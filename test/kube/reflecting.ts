/** A reflector at work on the API stand-in, for the tests of its behaviour. */
import { createObjectCache, type CacheOptions, type ObjectCache } from '../../src/kube/cache/object-cache.ts';
import { createReflector, type Reflector } from '../../src/kube/cache/reflector.ts';
import type { ListQuery } from '../../src/kube/types.ts';
import { silentLogger, type Logger } from '../../src/kit/logger.ts';
import { waitFor } from '../kit/wait.ts';
import { clientOf, CONFIG_MAPS, IN_CONFIG_MAPS, type ConfigMap, type TestClient } from './client.ts';
import type { ApiServer } from './api-server.ts';

export interface Reflecting extends AsyncDisposable {
  readonly client: TestClient;
  readonly cache: ObjectCache<ConfigMap>;
  readonly reflector: Reflector;
  /** What the handler was told, `a@96 > a@97`. */
  readonly told: string[];
  /** The objects as the handler knows them. */
  known(): readonly ConfigMap[];
  /** What was told that does not follow from what was told before. */
  readonly breaches: string[];
  /** Waits until the reflector pauses after a failure that this has not waited for before. */
  paused(): Promise<void>;
  /** It watches, and knows all that the server has. */
  isCurrent(): boolean;
  /** Waits until it watches, and knows all that the server has. */
  current(): Promise<void>;
}

export interface ReflectingOptions {
  readonly query?: ListQuery;
  readonly cache?: CacheOptions<ConfigMap, ConfigMap>;
  /** 0.5 unless told. */
  readonly random?: () => number;
}

export function startReflecting(api: ApiServer, options: ReflectingOptions = {}): Reflecting {
  const { query = {}, random = () => 0.5 } = options;
  const client = clientOf(api);
  const { cache, writer } = createObjectCache<ConfigMap>(
    { logger: silentLogger },
    { freeze: true, ...options.cache },
  );
  let failures = 0;
  let awaited = 0;
  const count = (message: string): void => {
    if (message === 'watch failed') failures += 1;
  };
  const logger: Logger = { ...silentLogger, warn: count, debug: count, with: () => logger };
  const reflector = createReflector(
    { client, clock: client.clock, logger, metrics: client.metrics, random },
    { resource: CONFIG_MAPS, query },
    writer,
  );
  const told: string[] = [];
  const breaches: string[] = [];
  const last = new Map<string, ConfigMap | undefined>();
  cache.onChange((before, after) => {
    told.push(`${nameOf(before)} > ${nameOf(after)}`);
    const { namespace, name } = (after ?? before)?.metadata ?? { name: '?' };
    const key = `${namespace}/${name}`;
    if (last.get(key) !== before || before === after) breaches.push(told.at(-1) ?? '');
    last.set(key, after);
  });
  const controller = new AbortController();
  const running = reflector.run(controller.signal);

  const isCurrent = (): boolean =>
    cache.hasSynced() &&
    api.watches.length > 0 &&
    textOf(cache.list()) === textOf(api.store.list(IN_CONFIG_MAPS, query.namespace));

  return {
    client,
    cache,
    reflector,
    told,
    breaches,
    known: () => [...last.values()].filter((object) => object !== undefined),
    async paused() {
      await waitFor(() => failures > awaited && client.clock.pending === 1, {
        what: 'a pause after a failure',
      });
      awaited += 1;
    },
    isCurrent,
    async current() {
      await waitFor(isCurrent, { what: 'the cache to be as the server is' });
    },
    async [Symbol.asyncDispose]() {
      controller.abort(new Error('enough'));
      await running;
      await client.close();
    },
  };
}

/** What a list holds, in any order. */
function textOf(objects: readonly object[]): string {
  return objects
    .map((object) => JSON.stringify(object, sorted))
    .sort()
    .join('\n');
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function nameOf(object: ConfigMap | undefined): string {
  return object === undefined ? '-' : `${object.metadata.name}@${object.metadata.resourceVersion}`;
}
