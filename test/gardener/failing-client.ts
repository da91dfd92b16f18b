import { KubeError } from '../../src/kube/kube-error.ts';
import type { KubeClient } from '../../src/kube/types.ts';

/** Counts the calls of all clients that it wraps, and fails some of them. */
export interface FailingCalls {
  readonly wrap: <T extends KubeClient>(client: T) => T;
  /** Calls so far. */
  readonly count: number;
  /** Names of the calls so far: `create secrets`. */
  readonly names: readonly string[];
  /** Fails the call of this number, before it reaches the server, or in place of its answer. */
  fail(number: number, when: 'before' | 'after'): void;
}

const VERBS = ['get', 'list', 'create', 'replace', 'patch', 'mergePatch', 'delete'] as const;

export function failingCalls(onFailure: () => void = () => {}): FailingCalls {
  const names: string[] = [];
  let failing: { readonly number: number; readonly when: string } | undefined;

  async function call(name: string, send: () => Promise<unknown>): Promise<unknown> {
    names.push(name);
    const when = names.length === failing?.number ? failing.when : undefined;
    if (when === undefined) return send();
    if (when === 'after') await Promise.allSettled([send()]);
    onFailure();
    throw new KubeError(`${name}: the connection broke`, { httpStatus: undefined, reason: 'Unreachable' });
  }

  return {
    get count() {
      return names.length;
    },
    names,
    fail(number, when) {
      failing = { number, when };
    },
    wrap(client) {
      const wrapped: Record<string, unknown> = { ...(client as object) };
      for (const verb of VERBS) {
        const method = client[verb] as (...args: unknown[]) => Promise<unknown>;
        wrapped[verb] = (...args: unknown[]) =>
          call(`${verb} ${(args[0] as { readonly plural: string }).plural}`, () => method(...args));
      }
      return wrapped as unknown as typeof client;
    },
  };
}
