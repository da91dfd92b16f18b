import { createObservable, type Observable } from '../cluster/observable.ts';

/** Reason, by upstream, why it or its last change is not published to nodes. Shown in the status of the owner. */
export interface NodeProblems extends Observable<ReadonlyMap<string, string>> {
  /** The reason as a sentence. Undefined if there is no problem. */
  of(upstream: string): string | undefined;
}

export function createNodeProblems(): NodeProblems {
  const problems = createObservable<ReadonlyMap<string, string>>(new Map(), textOf);
  return { ...problems, of: (upstream) => problems.get().get(upstream) };
}

function textOf(problems: ReadonlyMap<string, string>): string {
  return JSON.stringify([...problems].sort(([a], [b]) => (a < b ? -1 : 1)));
}
