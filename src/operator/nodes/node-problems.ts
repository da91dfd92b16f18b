/** Why nodes are not told, or not told of the last change, of an upstream: for the status of the object that asks for it. */
export interface NodeProblems {
  /** A sentence; undefined while there is nothing to say. */
  of(upstream: string): string | undefined;
  /** All that there are now, by upstream. */
  set(problems: ReadonlyMap<string, string>): void;
  /** Tells when they are others. */
  onChange(handler: () => void): void;
}

export function createNodeProblems(): NodeProblems {
  let current: ReadonlyMap<string, string> = new Map();
  const handlers = new Set<() => void>();
  return {
    of: (upstream) => current.get(upstream),
    set(problems) {
      const isSame =
        problems.size === current.size && [...problems].every(([key, text]) => current.get(key) === text);
      if (isSame) return;
      current = problems;
      for (const handler of handlers) handler();
    },
    onChange: (handler) => void handlers.add(handler),
  };
}
