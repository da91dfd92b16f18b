import { needPart } from '../../test/parts/find.ts';
import { run, type RunResult } from '../../test/parts/run.ts';

/** Runs a program to its end. Throws an `Error` with its output when it does not end with 0. */
type Program = (...args: readonly string[]) => Promise<RunResult>;

/** The programs of a release, in the versions that `test/parts/parts.ts` pins, with the logins of `~/.docker/config.json`. */
export interface Tools {
  readonly helm: Program;
  readonly oras: Program;
  readonly cosign: Program;
}

/** A push of the whole image over a slow line. */
const LIMIT_MS = 10 * 60_000;

/** Binds the programs to a directory for what they would keep in the home of their user. */
export function createTools(home: string): Tools {
  const env = {
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
    // The keys of a dry run have none.
    COSIGN_PASSWORD: '',
  };
  const program =
    (name: 'helm' | 'oras' | 'cosign'): Program =>
    (...args) =>
      run(needPart(name), args, { env, limit: LIMIT_MS });
  return { helm: program('helm'), oras: program('oras'), cosign: program('cosign') };
}
