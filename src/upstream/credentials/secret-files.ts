import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFileName, SECRET_KEYS, type SecretKey } from '../../api/secrets/secret-files.ts';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { TaskGroup } from '../../kit/task-group.ts';

/** Contents by key, as the files have them. */
export type Secret = Readonly<Partial<Record<SecretKey, string>>>;

/**
 * `--secrets DIR`: one directory per secret, one file per key, as Kubernetes mounts them; or `<name>.<key>`, as the one Secret has them that
 * the operator mounts, whatever the secrets in it are called.
 */
export interface SecretFiles {
  /** The secret as it was read last; undefined when there is none of its keys. */
  read(name: string): Secret | undefined;
  /**
   * Reads all of them again, now or within 200 ms: for who has met a secret that is not good any more. Resolves when what was there at
   * the time of the call has been read.
   */
  refresh(): Promise<void>;
  /** Tells that secrets are others now than before. One that has not changed is the same object as before. */
  onChange(handler: () => void): void;
}

export interface SecretFilesDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Owns the reading again. */
  readonly tasks: TaskGroup;
}

/** A changed file counts within 10 s (design, section 12). */
const INTERVAL_MS = 2_000;
/** A crowd that meets an outdated secret causes no more than five readings a second. */
const LEAST_INTERVAL_MS = 200;
/** Kubernetes' own limit of a whole Secret. */
const SIZE_LIMIT = 1024 * 1024;

/**
 * Reads all secrets below `path` now, and again every 2 s until the task group closes. Reading a handful of small files anew is
 * the same work as looking whether they changed, and sees every kind of change: a write, a rename, and the swap of the
 * `..data` symlink, which file watchers miss. Names are looked up among those found, so none leads out of `path`.
 * While `path` cannot be read the secrets read last stay.
 */
export async function createSecretFiles(path: string, deps: SecretFilesDeps): Promise<SecretFiles> {
  const { clock, logger, tasks } = deps;
  let secrets: ReadonlyMap<string, Secret> = new Map();
  const handlers = new Set<() => void>();
  let complained = false;
  let readAt = -Infinity;
  let next: Promise<void> | undefined;

  async function readAgain(): Promise<void> {
    readAt = clock.monotonic();
    try {
      const before = secrets;
      secrets = keepingUnchanged(before, await readAll(path));
      complained = false;
      if (!isSame(before, secrets)) for (const handler of handlers) handler();
    } catch (error) {
      if (!complained)
        logger.warn('the directory of secrets cannot be read', { path, error: errorText(error) });
      complained = true;
    }
  }

  /** Whoever comes before the next reading begins waits for that one. */
  function refresh(): Promise<void> {
    next ??= untilDue().then(() => {
      next = undefined;
      return readAgain();
    });
    return next;
  }

  async function untilDue(): Promise<void> {
    const waitMs = readAt + LEAST_INTERVAL_MS - clock.monotonic();
    if (waitMs > 0) await sleep(clock, waitMs, tasks.signal);
  }

  await refresh();
  tasks.run('re-read secrets', async (signal) => {
    for (;;) {
      await sleep(clock, INTERVAL_MS, signal);
      await refresh();
    }
  });
  return {
    read: (name) => secrets.get(name),
    refresh,
    onChange: (handler) => void handlers.add(handler),
  };
}

/** Of a secret that is there in both ways, the directory counts. */
async function readAll(path: string): Promise<Map<string, Secret>> {
  const files = new Map<string, Secret>();
  const directories = new Map<string, Secret>();
  for (const entry of await readdir(path)) {
    // Kubernetes keeps its versions under names that begin so.
    if (entry.startsWith('..')) continue;
    const file = parseFileName(entry);
    const content = file && (await readKey(join(path, entry)));
    if (file !== undefined && content !== undefined) {
      files.set(file.name, { ...files.get(file.name), [file.key]: content });
      continue;
    }
    const secret: Record<string, string> = {};
    for (const key of SECRET_KEYS) {
      const content = await readKey(join(path, entry, key));
      if (content !== undefined) secret[key] = content;
    }
    if (Object.keys(secret).length > 0) directories.set(entry, secret);
  }
  for (const [name, secret] of directories) files.set(name, { ...files.get(name), ...secret });
  return files;
}

function keepingUnchanged(
  before: ReadonlyMap<string, Secret>,
  after: ReadonlyMap<string, Secret>,
): ReadonlyMap<string, Secret> {
  return new Map(
    [...after].map(([name, secret]) => {
      const known = before.get(name);
      return [
        name,
        known !== undefined && SECRET_KEYS.every((key) => known[key] === secret[key]) ? known : secret,
      ];
    }),
  );
}

function isSame(before: ReadonlyMap<string, Secret>, after: ReadonlyMap<string, Secret>): boolean {
  return before.size === after.size && [...after].every(([name, secret]) => before.get(name) === secret);
}

/** Undefined for a file that is not there, cannot be read, or is no secret by its size. */
async function readKey(file: string): Promise<string | undefined> {
  const content = await readFile(file, 'utf8').catch(() => undefined);
  return content !== undefined && content.length <= SIZE_LIMIT ? content : undefined;
}
