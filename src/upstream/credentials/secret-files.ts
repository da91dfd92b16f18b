import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFileName, SECRET_KEYS, type SecretKey } from '../../api/secrets/secret-files.ts';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { TaskGroup } from '../../kit/task-group.ts';

/** Contents of a secret's files, by key. */
export type SecretData = Readonly<Partial<Record<SecretKey, string>>>;

/**
 * The files of `--secrets DIR`. A secret is a directory with one file per key, as Kubernetes mounts a Secret; or files called
 * `<name>.<key>`, the keys of the one Secret that the operator mounts.
 */
export interface SecretFiles {
  /** Gives the secret as of the last reading; undefined without any of its keys. */
  read(name: string): SecretData | undefined;
  /**
   * Reads all secrets again, now or within 200 ms, after an upstream refused one of them. Resolves once everything that was there at the
   * time of the call has been read.
   */
  refresh(): Promise<void>;
  /** Calls `handler` when a secret has changed. Unchanged secrets keep their identity. */
  onChange(handler: () => void): void;
}

export interface SecretFilesDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Owns the repeated reading. */
  readonly tasks: TaskGroup;
}

/** A changed file counts within 10 s (docs/guide/operations.md, "What happens when"). */
const INTERVAL_MS = 2_000;
/** A crowd of callers that meets an outdated secret causes at most five readings a second. */
const LEAST_INTERVAL_MS = 200;
/** Kubernetes' own limit of a whole Secret, in bytes. */
const SIZE_LIMIT = 1024 * 1024;

/**
 * Reads all secrets below `path` now, and again every 2 s until the task group closes. Reading a handful of small files is the same work
 * as checking whether they changed, and sees every kind of change: a write, a rename, and the swap of the `..data` symlink, which file
 * watchers miss. Names are looked up among those found, so none leads out of `path`. While `path` cannot be read, the last secrets stay.
 */
export async function createSecretFiles(path: string, deps: SecretFilesDeps): Promise<SecretFiles> {
  const { clock, logger, tasks } = deps;
  let secrets: ReadonlyMap<string, SecretData> = new Map();
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

  /** Joins the calls that come before the next reading begins. */
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

/** Prefers the directory where a secret is there in both forms. */
async function readAll(path: string): Promise<Map<string, SecretData>> {
  const files = new Map<string, SecretData>();
  const directories = new Map<string, SecretData>();
  for (const entry of await readdir(path)) {
    // Kubernetes keeps the versions of a Secret under names that begin so.
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
  before: ReadonlyMap<string, SecretData>,
  after: ReadonlyMap<string, SecretData>,
): ReadonlyMap<string, SecretData> {
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

function isSame(before: ReadonlyMap<string, SecretData>, after: ReadonlyMap<string, SecretData>): boolean {
  return before.size === after.size && [...after].every(([name, secret]) => before.get(name) === secret);
}

/** Reads one file; undefined for a missing or unreadable one, and for one too large to be a secret. */
async function readKey(file: string): Promise<string | undefined> {
  const content = await readFile(file, 'utf8').catch(() => undefined);
  return content !== undefined && content.length <= SIZE_LIMIT ? content : undefined;
}
