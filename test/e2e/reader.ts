import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Place } from '../kit/place.ts';
import { needPart } from '../parts/find.ts';
import { run } from '../parts/run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 360_000;

/** User of a cluster in a checkout, with a shell, kubectl and helm. */
export interface Reader {
  /** Runs a command and returns its output. Throws an `Error` if it fails. */
  run(command: string, environment?: Readonly<Record<string, string>>): Promise<string>;
}

/** Creates a {@link Reader}. `adapt` changes a command of the docs into one for this cluster. */
export function createReader(
  { place, kubeconfig }: { readonly place: Place; readonly kubeconfig: string },
  adapt: (command: string) => string,
): Reader {
  const path = ['kubectl', 'helm'] as const;
  const env = {
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: '/run/helm',
    HELM_CONFIG_HOME: '/run/helm',
    PATH: [...path.map((part) => dirname(needPart(part))), process.env['PATH']].join(':'),
  };
  return {
    async run(command, environment = {}) {
      const options = { env: { ...env, ...environment }, place, limit: LIMIT_MS };
      // The working directory in the place is `/`.
      return (await run('sh', ['-ec', `cd '${ROOT}'\n${adapt(command)}`], options)).stdout;
    },
  };
}
