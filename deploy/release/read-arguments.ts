import { parseArgs } from 'node:util';

export interface ReleaseArguments {
  /** The directory to write to. It must be empty, or not exist. */
  readonly out: string;
  /** Registry and repository of the image, without a tag. Undefined: nothing is published. */
  readonly push: string | undefined;
  /** Rehearses: signs with a key made for this run, and publishes on this machine only. */
  readonly dryRun: boolean;
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?\//;

/** The command line of `npm run release`. Throws an `Error` that says what is wrong with it. */
export function readArguments(args: readonly string[]): ReleaseArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      push: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const { out, push, 'dry-run': dryRun } = values;
  if (out === undefined) throw new Error('--out DIR is missing: the directory to write to');
  if (push !== undefined && !/^[^/@]+(?:\/[a-z0-9._-]+)+$/.test(push))
    throw new Error(`--push ${push}: expected REGISTRY/NAME, in lower case and without a tag`);
  if (push !== undefined && dryRun && !LOOPBACK.test(push))
    throw new Error(`--push ${push}: a dry run pushes to a registry on this machine only`);
  return { out, push, dryRun };
}
