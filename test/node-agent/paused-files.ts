/** All calls of `node:fs/promises` of one agent, one at a time, each when its turn comes. */
import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** Called before each step at the disk; the step waits for it. */
export type Pause = () => Promise<void>;

type Call = (...args: unknown[]) => Promise<unknown>;

const STEPS = [
  'link',
  'lstat',
  'mkdir',
  'open',
  'readFile',
  'readdir',
  'rename',
  'rmdir',
  'unlink',
  'writeFile',
] as const;
const OF_A_FILE = ['writeFile', 'sync', 'close'] as const;

const pauses = new AsyncLocalStorage<Pause>();

/** Runs `work`, all of whose steps at the disk wait for `pause`. Needs {@link pauseFiles}. */
export function withPauses<T>(pause: Pause, work: () => Promise<T>): Promise<T> {
  return pauses.run(pause, work);
}

/** Replaces the functions of `node:fs/promises` in this process until it is disposed, which also closes what killed agents have left open. */
export function pauseFiles(): AsyncDisposable {
  const functions = fs as unknown as Record<string, Call>;
  const before = { ...functions };
  /** A killed agent closes nothing. */
  const opened: fs.FileHandle[] = [];
  for (const name of STEPS) {
    const call = before[name] as Call;
    functions[name] = async (...args) => {
      await pauses.getStore()?.();
      const result = await call(...args);
      if (name !== 'open') return result;
      opened.push(result as fs.FileHandle);
      return pausedFile(result as fs.FileHandle);
    };
  }
  // A tree goes as in Go's `os.RemoveAll`: file after file, and then the directory.
  functions['rm'] = async (path, options) => removed(path as string, options as { recursive?: boolean });
  syncBuiltinESMExports();
  return {
    async [Symbol.asyncDispose]() {
      for (const file of opened) await file.close();
      Object.assign(functions, before);
      syncBuiltinESMExports();
    },
  };
}

async function removed(
  path: string,
  { recursive = false }: { readonly recursive?: boolean } = {},
): Promise<void> {
  try {
    const isTree = recursive && (await fs.lstat(path)).isDirectory();
    if (!isTree) return await fs.unlink(path);
    for (const name of await fs.readdir(path)) await removed(`${path}/${name}`, { recursive });
    await fs.rmdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function pausedFile(file: fs.FileHandle): fs.FileHandle {
  const methods = file as unknown as Record<string, Call>;
  for (const name of OF_A_FILE) {
    const call = (methods[name] as Call).bind(file);
    methods[name] = async (...args) => {
      await pauses.getStore()?.();
      return call(...args);
    };
  }
  return file;
}
