/** Sets environment variables until disposed, for foreign clients that read them themselves. Undefined removes one. */
export function withEnvironment(variables: Readonly<Record<string, string | undefined>>): Disposable {
  const previous = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.entries(variables).forEach(([name, value]) => set(name, value));
  return {
    [Symbol.dispose]() {
      for (const [name, value] of previous) set(name, value);
    },
  };
}

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
