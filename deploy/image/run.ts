import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Long enough for a download of 60 MB over a slow line. */
const LIMIT_MS = 10 * 60_000;

/** Runs a program of this machine and returns its output. Throws an `Error` with its name and the end of its error output. */
export async function run(command: string, args: readonly string[], cwd?: string): Promise<string> {
  try {
    const { stdout } = await execute(command, args, { cwd, timeout: LIMIT_MS, maxBuffer: 64 << 20 });
    return stdout;
  } catch (error) {
    const { code, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string };
    const reason =
      code === 'ENOENT' ? 'is not installed on this machine' : `failed: ${stderr.trim().slice(-2000)}`;
    throw new Error(`${command} ${args[0] ?? ''} ${reason}`, { cause: error });
  }
}
