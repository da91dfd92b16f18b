import { stat } from 'node:fs/promises';
import { sleep, type Clock } from './clock.ts';

/**
 * Calls `onChange` whenever one of `paths` has become another file or other content, until `signal` aborts. Looks once a second:
 * that sees renames, edits in place and Kubernetes' `..data` symlink swap alike, on every file system, where change notifications
 * do not. `onChange` is awaited, so changes never overlap; what it throws ends the watch. `asRead` is the fileFingerprint from before the
 * files were read for the first time, so that a change in between is seen.
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

/** Tells one state of the files from another, without reading them. */
export async function fileFingerprint(paths: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    paths.map(async (path) => {
      try {
        const { ino, mtimeMs, ctimeMs, size } = await stat(path);
        return `${ino}:${mtimeMs}:${ctimeMs}:${size}`;
      } catch {
        return 'absent';
      }
    }),
  );
  return parts.join(' ');
}
