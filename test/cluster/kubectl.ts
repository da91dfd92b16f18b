import type { Place } from '../kit/place.ts';
import { needPart } from '../parts/find.ts';
import { run } from '../parts/run.ts';

/** One kubectl, with the rights of one kubeconfig. */
export interface Kubectl {
  /** Runs it and gives what it printed. Throws an `Error` with its output when it does not end with 0. */
  (...args: readonly string[]): Promise<string>;
  /** Creates or changes these objects (server-side apply). */
  apply(...objects: readonly object[]): Promise<void>;
  /** The object that `kubectl get ...` gives; what is in it is for the caller to know. */
  json<T>(...args: readonly string[]): Promise<T>;
}

export interface KubectlOptions {
  /** Path of the kubeconfig. */
  readonly kubeconfig: string;
  /** Directory for what it remembers of the API server. */
  readonly cache: string;
  readonly place?: Place | undefined;
}

/** Longer than any `--timeout` that it is given. */
const LIMIT_MS = 180_000;

/** Binds kubectl to a kubeconfig and a place. Needs the part kubectl. */
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
