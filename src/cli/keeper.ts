import type { Command, Option } from 'commander';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readAdminToken } from '../kit/admin/token-file.ts';
import { systemClock } from '../kit/clock.ts';
import { errorText, isLarderError, LarderError } from '../kit/errors.ts';
import { createLogger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import type { Digest } from '../oci/digest.ts';
import type {
  GarbageItem,
  GarbageResult,
  MaintainedStore,
  OnEvent,
  VerifyEvent,
  VerifyResult,
} from '../store/maintenance/maintenance.ts';
import { declareStoreMetrics } from '../store/metrics.ts';
import type { UpstreamPolicy } from '../store/types.ts';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import type { CommandIo } from './command.ts';
import { option, parseExternalUrl, storeDirectory, storeOption } from './options.ts';

/** Runs maintenance on a store: in this process while no other process uses the store, else in the `larder serve` that does. */
export interface Keeper extends AsyncDisposable {
  /** The store or process, for people. */
  readonly place: string;
  /** True if a running `larder serve` does the work. */
  readonly isServing: boolean;
  verify(options: VerifyRequest, signal: AbortSignal, onEvent: OnEvent<VerifyEvent>): Promise<VerifyResult>;
  /** `atRest` has the settings for a store that no `larder serve` uses. */
  collectGarbage(
    options: { readonly dryRun: boolean; readonly atRest: GarbageSettings },
    signal: AbortSignal,
    onEvent: OnEvent<GarbageItem>,
  ): Promise<GarbageResult>;
}

export interface VerifyRequest {
  readonly image: string | undefined;
  readonly rate: number | undefined;
  readonly repair: boolean;
}

export interface GarbageSettings {
  readonly policies: ReadonlyMap<string, UpstreamPolicy> | undefined;
  readonly maxBytes: number | undefined;
}

export interface KeeperOptions {
  readonly store: string;
  readonly admin: URL;
  readonly adminTokenFile?: string;
}

/** The flags that name the store. */
export function keeperOptions(io: CommandIo): Option[] {
  return [
    storeOption(io),
    option('--admin <url>', 'admin listener of the larder serve that uses the store, or of another one')
      .argParser(parseExternalUrl)
      .default(new URL('http://127.0.0.1:5001'), 'http://127.0.0.1:5001'),
    option('--admin-token-file <file>', 'token of that listener, if it needs one'),
  ];
}

/**
 * Opens the store, or finds the `larder serve` that uses it. With `--admin` on the command line it is that one, wherever its store is.
 * Throws `USAGE` if `--store` is no directory, `NOT_STORED` if there is no store, `STORE_UNUSABLE`, `ADMIN_TOKEN_INVALID`, and
 * `ADMIN_UNREACHABLE`.
 */
export async function findKeeper(command: Command, io: CommandIo, signal: AbortSignal): Promise<Keeper> {
  const options = command.opts<KeeperOptions>();
  const { adminTokenFile } = options;
  const token = adminTokenFile === undefined ? undefined : await readAdminToken(adminTokenFile);
  const client = createAdminClient(options.admin, token);
  if (command.getOptionValueSource('admin') !== 'default') return keeperServing(client);
  const directory = storeDirectory(options.store);
  try {
    return await keeperAtRest(directory, io);
  } catch (error) {
    if (!isLarderError(error, 'STORE_IN_USE')) throw error;
  }
  await expectStore(client, directory, signal);
  return keeperServing(client);
}

function keeperServing(client: AdminClient): Keeper {
  return {
    place: `larder serve at ${client.url}`,
    isServing: true,
    async verify({ image, rate, repair }, signal, report) {
      const body = { repair, ...(image !== undefined && { image }), ...(rate !== undefined && { rate }) };
      return run<VerifyEvent, VerifyResult>('/api/v1/verify', body, signal, report);
    },
    collectGarbage: ({ dryRun }, signal, report) =>
      run<GarbageItem, GarbageResult>('/api/v1/gc', { dryRun }, signal, report),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };

  async function run<Event, Result>(
    path: string,
    body: object,
    signal: AbortSignal,
    onEvent: OnEvent<Event>,
  ) {
    let result: Record<string, unknown> | undefined;
    for await (const message of client.act(path, body, signal)) {
      if (message['event'] === 'result') result = message;
      else await onEvent(message as Event);
    }
    const { event: _event, ...sums } = result ?? {};
    return sums as Result;
  }
}

async function keeperAtRest(directory: string, io: CommandIo): Promise<Keeper> {
  if (!(await isThere(join(directory, 'blobs'))) && !(await isThere(join(directory, 'index.sqlite')))) {
    throw new LarderError('NOT_STORED', `there is no store in ${directory}`, {
      hint: 'name its directory with --store, or the larder serve that uses it with --admin',
    });
  }
  const { openStore } = await import('../store/store.ts');
  const logger = createLogger({ level: 'error', format: 'text' }, (line) => io.err(line));
  const tasks = new TaskGroup(logger);
  const store: MaintainedStore = await openStore(
    { clock: systemClock, logger, metrics: declareStoreMetrics(createMetricsRegistry()), tasks },
    // Without limits nothing is evicted: a check must not remove content.
    { directory, maxBytes: Number.MAX_SAFE_INTEGER, policies: new Map() },
  );
  /** Quarantines damaged content. This process cannot repair it: the next pull through `larder serve` fetches all of it. */
  async function remove(digest: Digest): Promise<never> {
    await store.discardRemains(digest);
    throw new LarderError('ADMIN_UNREACHABLE', 'no larder serve uses the store');
  }
  return {
    place: `the store ${directory}, which no larder serve uses`,
    isServing: false,
    verify: ({ image, rate, repair }, signal, report) =>
      store.maintenance.verify(
        { image, bytesPerSecond: rate, repair: repair ? ({ digest }) => remove(digest) : undefined },
        signal,
        report,
      ),
    collectGarbage: ({ dryRun, atRest }, signal, report) =>
      store.maintenance.collectGarbage({ dryRun, ...atRest }, signal, report),
    async [Symbol.asyncDispose]() {
      await store.close();
      await tasks.close();
    },
  };
}

/** Throws `STORE_UNUSABLE` if this user may not read the path. */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw new LarderError('STORE_UNUSABLE', `the store cannot be read: ${errorText(error)}`, {
      hint: 'run this as the user that larder serve runs as, or name another store with --store',
      cause: error,
    });
  }
}

/**
 * Throws `ADMIN_UNREACHABLE` unless the `larder serve` at the default address uses this store: the content of another store is none of
 * this command's business.
 */
async function expectStore(client: AdminClient, directory: string, signal: AbortSignal): Promise<void> {
  const has = async (): Promise<string | undefined> => {
    const { store } = (await client.read('/api/v1/stats', signal)) as { store?: { directory?: unknown } };
    return typeof store?.directory === 'string' ? store.directory : undefined;
  };
  const found = await has().catch((error: unknown) => {
    if (!isLarderError(error)) throw error;
    throw inUse(directory, error.message, error);
  });
  const real = (path: string): Promise<string> => realpath(path).catch(() => path);
  if (found !== undefined && (await real(found)) !== (await real(directory)))
    throw inUse(directory, `the larder serve at ${client.url} uses the store ${found}`);
}

function inUse(directory: string, why: string, cause?: unknown): LarderError {
  return new LarderError(
    'ADMIN_UNREACHABLE',
    `the store ${directory} is in use by another process, and ${why}`,
    {
      hint: 'name the admin listener of that process with --admin, or stop it',
      cause,
    },
  );
}
