/** A running reflector of the API stand-in, for the tests of its behaviour. */
import {
  createObjectStore,
  type ObjectStoreOptions,
  type ObjectStore,
} from '../../src/kube/informer/object-store.ts';
import { createReflector, type Reflector } from '../../src/kube/informer/reflector.ts';
import type { ListQuery } from '../../src/kube/types.ts';
import { silentLogger, type Logger } from '../../src/kit/logger.ts';
import { waitFor } from '../kit/wait.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../src/kube/objects/config-maps.ts';
import { clientOf, IN_CONFIG_MAPS, type TestClient } from './client.ts';
import type { ApiServer } from './api-server.ts';
import { followStory, type Story } from './story.ts';
import { textOfList } from './text-of-list.ts';

export interface Reflecting extends AsyncDisposable, Story<ConfigMap> {
  readonly client: TestClient;
  readonly store: ObjectStore<ConfigMap>;
  readonly reflector: Reflector;
  /** Waits until the reflector pauses after a failure that this has not waited for before. */
  paused(): Promise<void>;
  /** True if it watches and its store equals the server. */
  isCurrent(): boolean;
  /** Waits until it watches and its store equals the server. */
  current(): Promise<void>;
}

export interface ReflectingOptions {
  readonly query?: ListQuery;
  readonly store?: ObjectStoreOptions<ConfigMap, ConfigMap>;
  /** 0.5 by default. */
  readonly random?: () => number;
}

export function startReflecting(api: ApiServer, options: ReflectingOptions = {}): Reflecting {
  const { query = {}, random = () => 0.5 } = options;
  const client = clientOf(api);
  const { store, writer } = createObjectStore<ConfigMap>(
    { logger: silentLogger },
    { freeze: true, ...options.store },
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
  const story = followStory(store);
  const controller = new AbortController();
  const running = reflector.run(controller.signal);

  const isCurrent = (): boolean =>
    store.hasSynced() &&
    api.watches.length > 0 &&
    textOfList(store.list()) === textOfList(api.store.list(IN_CONFIG_MAPS, query.namespace));

  return {
    client,
    store,
    reflector,
    ...story,
    async paused() {
      await waitFor(() => failures > awaited && client.clock.pending === 1, {
        what: 'a pause after a failure',
      });
      awaited += 1;
    },
    isCurrent,
    async current() {
      await waitFor(isCurrent, { what: 'the store to equal the server' });
    },
    async [Symbol.asyncDispose]() {
      controller.abort(new Error('enough'));
      await running;
      await client.close();
    },
  };
}
