import { readFile } from 'node:fs/promises';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { ContentType } from '../types.ts';

/** When Distribution removes content from a repository. */
export interface Expiry {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly type: ContentType;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Kinds of entries (`registry/proxy/scheduler/scheduler.go` of Distribution 2.8 and 3.1). */
const ENTRY_TYPES: Readonly<Record<ContentType, number>> = { blob: 0, manifest: 1 };

/**
 * Yields the pieces of `scheduler-state.json`, one for each entry, so that the text need not be in memory. Distribution reads the file when it
 * starts. Content without an entry stays for ever: Distribution makes an entry when it fetches, not when it serves.
 */
export async function* schedulerState(
  entries: AsyncIterable<Expiry> | Iterable<Expiry>,
  older: Readonly<Record<string, unknown>>,
): AsyncGenerator<string> {
  let separator = '{';
  for await (const { repository, digest, type, at } of entries) {
    const key = `${repository}@${digest}`;
    const entry = { Key: key, ExpiryData: new Date(at).toISOString(), EntryType: ENTRY_TYPES[type] };
    yield `${separator}${JSON.stringify(key)}:${JSON.stringify(entry)}`;
    separator = ',';
  }
  for (const [key, entry] of Object.entries(older)) {
    yield `${separator}${JSON.stringify(key)}:${JSON.stringify(entry)}`;
    separator = ',';
  }
  yield separator === '{' ? '{}' : '}';
}

/** Reads the entries of a state that is there, as of an adoption that has not ended. None if there is no file, or no JSON. */
export async function readSchedulerState(path: string, logger: Logger): Promise<Record<string, unknown>> {
  try {
    const state: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : {};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      logger.warn('the state of the scheduler of Distribution cannot be read', { error: errorText(error) });
    return {};
  }
}
