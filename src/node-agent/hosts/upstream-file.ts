import { link, mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY, writeSynced } from '../../kit/replace-file.ts';
import { HOSTS_TOML } from './hosts-toml.ts';
import { kindOfFile, readOurFile } from './ownership.ts';

/**
 * `hosts.toml` of one upstream, beside another program that may make the directory, write into the file in place or replace it, and remove both,
 * all at any time, as Gardener's node agent does. That program repairs nothing, so no content of it may be lost, and none may come back after it
 * was removed. Either program may end between any two steps.
 *
 * Everything temporary lies beside the directory. Our file goes away by a rename that keeps a name for it: a program that has opened it before
 * has emptied it, which shows under that name, and no program can open it afterwards.
 */
export interface UpstreamFile {
  /** Puts `content` there. Returns false if a file of another program is there, which then stays. Right content keeps its time stamps. Throws on disk failures. */
  put(content: string): Promise<boolean>;
  /** Removes our file, and the directory if nothing else is in it. A file of another program stays. Throws on disk failures. */
  remove(): Promise<void>;
}

/** Kinds of temporary files: content that is not in place yet, and second names of files that were replaced or removed. */
type Kind = 'next' | 'kept-0' | 'kept-1' | 'removed';
const NAME = new RegExp(`^(.+)\\.(next|kept-0|kept-1|removed)${RegExp.escape(TEMPORARY)}$`);

/** The files contain no secret, and containerd may run as any user. */
const [READABLE, LISTABLE] = [0o644, 0o755];

export function createUpstreamFile(root: string, upstream: string): UpstreamFile {
  const directory = join(root, upstream);
  const path = join(directory, HOSTS_TOML);
  const besides = (kind: Kind): string => temporaryName(root, upstream, kind);

  return {
    async put(content) {
      if ((await readOurFile(path)) === content) return true;
      // A new directory comes with its content, because an empty one hides `_default`.
      if ((await kindOfFile(directory)) === 'absent') {
        const place = `${directory}${TEMPORARY}`;
        await mkdir(place, { recursive: true, mode: LISTABLE });
        await writeSynced(join(place, HOSTS_TOML), content, READABLE);
        return succeeds(() => rename(place, directory), 'ENOTEMPTY', 'EEXIST', 'ENOTDIR');
      }
      await writeSynced(besides('next'), content, READABLE);
      return exchange(root, upstream, 'next');
    },
    async remove() {
      if ((await readOurFile(path)) === undefined) return;
      if (await succeeds(() => rename(path, besides('removed')), 'ENOENT'))
        await settle(root, upstream, 'removed');
    },
  };
}

/** Ends what a crash has interrupted, if `name` in `root` is that of a temporary file; false if it is not. Throws on disk failures. */
export async function recoverFile(root: string, name: string): Promise<boolean> {
  const [, upstream, found] = NAME.exec(name) ?? [];
  if (upstream === undefined || (await kindOfFile(join(root, name))) === 'directory') return false;
  const kind = found as Kind;
  if (kind === 'next') await rm(join(root, name), { force: true });
  else await settle(root, upstream, kind);
  return true;
}

/** Decides about a file that was taken out of its place: ours ends, and another program's goes back unless that program has something newer. */
async function settle(root: string, upstream: string, kind: Exclude<Kind, 'next'>): Promise<void> {
  const [directory, taken] = [join(root, upstream), temporaryName(root, upstream, kind)];
  const path = join(directory, HOSTS_TOML);
  if ((await readOurFile(taken)) === undefined) {
    if (kind !== 'removed') {
      await exchange(root, upstream, kind);
      return;
    }
    // Without the directory it was removed since, and with a file there is something newer.
    await succeeds(() => link(taken, path), 'ENOENT', 'EEXIST', 'ENOTDIR');
  } else if (kind === 'removed') {
    // Before the name that a crash would leave as a trace.
    await succeeds(() => rmdir(directory), 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR');
  }
  await rm(taken, { force: true });
}

/** Puts a temporary file in the place of ours. Returns false if at the end there is a file of another program. */
async function exchange(root: string, upstream: string, first: Exclude<Kind, 'removed'>): Promise<boolean> {
  const path = join(root, upstream, HOSTS_TOML);
  let kind: Kind = first;
  for (;;) {
    const candidate = temporaryName(root, upstream, kind);
    const other: Kind = kind === 'kept-0' ? 'kept-1' : 'kept-0';
    const kept = temporaryName(root, upstream, other);
    await rm(kept, { force: true });
    if (!(await succeeds(() => link(path, kept), 'ENOENT', 'ENOTDIR'))) {
      // Only what is ours may come to where nothing is: another program's was there, and was removed.
      const isLinked =
        kind === 'next' && (await succeeds(() => link(candidate, path), 'ENOENT', 'EEXIST', 'ENOTDIR'));
      await rm(candidate, { force: true });
      return isLinked;
    }
    const isTheirs = (await readOurFile(kept)) === undefined;
    // The directory may be gone by now.
    if (isTheirs || !(await succeeds(() => rename(candidate, path), 'ENOENT', 'ENOTDIR'))) {
      await rm(candidate, { force: true });
      await rm(kept, { force: true });
      return false;
    }
    if ((await readOurFile(kept)) !== undefined) {
      await rm(kept, { force: true });
      return kind === 'next';
    }
    // Another program had opened the former file before the rename. Its file goes back in the same way.
    kind = other;
  }
}

function temporaryName(root: string, upstream: string, kind: Kind): string {
  return join(root, `${upstream}.${kind}${TEMPORARY}`);
}

/** Runs a step. False if it fails with one of these codes, which another program at the same place causes. */
async function succeeds(step: () => Promise<unknown>, ...codes: readonly string[]): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
