import { spawnSync } from 'node:child_process';
import { tempDir } from '../kit/temp.ts';
import { run } from './run.ts';

/** Published Go modules whose files tests compare with. Nothing of them is built. */
export const GO_MODULES = {
  /** The Go extension, in the version that Larder stands in for: charts, examples. */
  extension: 'github.com/gardener/gardener-extension-registry-cache@v0.24.0',
  /** Gardener, in the version that the Go extension is built with: CRDs. */
  gardener: 'github.com/gardener/gardener@v1.147.1',
} as const;

/** A download of Gardener has 33 MB and 5000 files. */
const DOWNLOAD_LIMIT_MS = 5 * 60_000;

/** Directory with the files of a module, which Go downloads if it does not have them and compares with their published sum. */
export async function goModule(name: keyof typeof GO_MODULES): Promise<string> {
  using cwd = tempDir();
  const env = { GOWORK: 'off', GOFLAGS: '-mod=mod' };
  const args = ['mod', 'download', '-json', GO_MODULES[name]];
  const { stdout } = await run('go', args, { cwd: cwd.path, env, limit: DOWNLOAD_LIMIT_MS });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** Test options for a suite that needs {@link goModule}. Skips it without Go; with `CI=true` it throws instead. */
export function requireGo(): { skip: string | false } {
  if (spawnSync('go', ['version']).status === 0) return { skip: false };
  if (process.env['CI'] === 'true') throw new Error('This suite needs Go in PATH');
  return { skip: 'needs Go in PATH' };
}
