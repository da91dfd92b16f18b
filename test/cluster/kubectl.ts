import type { Place } from '../kit/place.ts';
import { needPart } from '../parts/find.ts';
import { run } from '../parts/run.ts';

/** kubectl with the rights of one kubeconfig. */
export interface Kubectl {
  /** Runs kubectl and returns its output. Throws an `Error` with the output if the exit code is not 0. */
  (...args: readonly string[]): Promise<string>;
  /** Creates or changes these objects by server-side apply. */
  apply(...objects: readonly object[]): Promise<void>;
  /** Returns the object of `kubectl get ...`. The caller declares its type. */
  json<T>(...args: readonly string[]): Promise<T>;
}

export interface KubectlOptions {
  /** Path of the kubeconfig. */
  readonly kubeconfig: string;
  /** Directory for kubectl's discovery cache. */
  readonly cache: string;
  readonly place?: Place | undefined;
}

/** Longer than any `--timeout` of the suites. */
const LIMIT_MS = 180_000;

/** Creates a {@link Kubectl} with a kubeconfig and a place. Needs the part kubectl. */
export function createKubectl({ kubeconfig, cache, place }: KubectlOptions): Kubectl {
  const env = { KUBECONFIG: kubeconfig, KUBECACHEDIR: cache };
  const execute = async (args: readonly string[], input = ''): Promise<string> =>
    (await run(needPart('kubectl'), args, { env, input, place, limit: LIMIT_MS })).stdout;
  return Object.assign((...args: readonly string[]) => execute(args), {
    async apply(...objects: readonly object[]) {
      const list = { apiVersion: 'v1', kind: 'List', items: objects };
      await execute(['apply', '--server-side', '--filename', '-'], JSON.stringify(list));
    },
    async json<T>(...args: readonly string[]) {
      return JSON.parse(await execute(['get', ...args, '--output', 'json'])) as T;
    },
  });
}
