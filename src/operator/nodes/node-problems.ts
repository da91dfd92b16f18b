import { createObservable, type Observable } from '../cluster/observable.ts';

/** Why nodes are not told, or not told of the last change, of an upstream, by upstream, a sentence each: for the status of who asks for it. */
export interface NodeProblems extends Observable<ReadonlyMap<string, string>> {
  /** A sentence; undefined while there is nothing to say. */
  of(upstream: string): string | undefined;
}

export function createNodeProblems(): NodeProblems {
  const problems = createObservable<ReadonlyMap<string, string>>(new Map(), textOf);
  return { ...problems, of: (upstream) => problems.get().get(upstream) };
}

function textOf(problems: ReadonlyMap<string, string>): string {
  return JSON.stringify([...problems].sort(([a], [b]) => (a < b ? -1 : 1)));
}
