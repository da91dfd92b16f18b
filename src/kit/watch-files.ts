import { lstat, stat } from 'node:fs/promises';
import { sleep, type Clock } from './clock.ts';

/**
 * Calls `onChange` whenever one of `paths` has become another file or has other content, until `signal` aborts. Checks once a second,
 * which sees renames, edits in place and Kubernetes' `..data` symlink swap on every file system, unlike change notifications. Awaits
 * `onChange`, so that calls never overlap. An error of `onChange` ends the watch. `asRead` is the fingerprint from before the files were
 * read for the first time, so that a change in between is seen.
 */
export async function watchFiles(
  paths: readonly string[],
  clock: Clock,
  signal: AbortSignal,
  onChange: () => Promise<void> | void,
  asRead?: string,
): Promise<void> {
  let seen = asRead ?? (await fileFingerprint(paths));
  while (!signal.aborted) {
    try {
      await sleep(clock, 1000, signal);
    } catch {
      return;
    }
    const now = await fileFingerprint(paths);
    if (now === seen) continue;
    seen = now;
    await onChange();
  }
}

/** Differs for different states of the files. Does not read them. */
export async function fileFingerprint(paths: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    paths.map(async (path) => {
      try {
        const { ino, mtimeMs, ctimeMs, size } = await stat(path);
        return `${ino}:${mtimeMs}:${ctimeMs}:${size}`;
      } catch {
        // A link to nothing differs from nothing: Kubernetes swaps `..data` before it removes the link.
        return await lstat(path).then(
          () => 'unreadable',
          () => 'absent',
        );
      }
    }),
  );
  return parts.join(' ');
}
