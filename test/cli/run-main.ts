import { main } from '../../src/cli/main.ts';

export interface MainResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line of `larder` in this process, with `input` as standard input, without a terminal and without signals. Its version is 1.2.3. */
export async function runMain(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = '',
): Promise<MainResult> {
  let [out, err] = ['', ''];
  const code = await main(args, {
    environment,
    isTerminal: false,
    version: '1.2.3',
    out: (text) => (out += text),
    err: (text) => (err += text),
    readInput: () => Promise.resolve(input),
    onSignal: () => () => {},
  });
  return { code, out, err };
}

/** Reads the defaults of the flags in a help that is written as Go does. Undefined for a flag without one. */
export function defaultsInHelp(help: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    [...help.matchAll(/^ {2}(?: {4}|-h, )--([a-z-]+)(?: \S+)? {2,}.*?(?:\(default (.*)\))?$/gm)].map(
      ([, name = '', standard]) => [name, standard],
    ),
  );
}

/** Reads level and error of the last log line. */
export function lastFailure({ err }: MainResult): { readonly level: string; readonly error: string } {
  const { level, error } = JSON.parse(err.trim().split('\n').at(-1) ?? '') as Record<string, string>;
  return { level: String(level), error: String(error) };
}

/** A kubeconfig of a server that nobody reaches. */
export const UNREACHED_KUBECONFIG =
  'apiVersion: v1\nclusters: [{name: a, cluster: {server: https://a.example}}]\ncontexts: [{name: a, context: {cluster: a}}]\ncurrent-context: a\n';
