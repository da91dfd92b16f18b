import { parseArgs } from 'node:util';
import { PARTS } from '../parts/parts.ts';
import { CONTAINERDS, type ContainerdOptions } from '../parts/start-containerd.ts';

/** Names of the files `NAME.scenario.ts` in this folder. */
export const SCENARIOS = [
  'pull',
  'private',
  'conditions',
  'trouble',
  'thief',
  'taken-port',
  'changes',
  'go-extension',
  'guide',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** Scenarios of one cluster. */
export interface Suite {
  readonly containerd: ContainerdOptions['part'];
  readonly scenarios: readonly Scenario[];
}

export interface Arguments {
  readonly suites: readonly Suite[];
  /** True if the output of kubectl is to be written into the docs. */
  readonly record: boolean;
}

const NEWEST = '2.3';
/** Scenarios of every containerd if all are selected. Only the newest one then runs all scenarios. */
const CORE: readonly Scenario[] = ['pull', 'thief'];

const USAGE = `npm run e2e:kubernetes -- [--containerd VERSION] [--scenario NAME]... [--record]
  --containerd  1.6, 1.7, 2.0, 2.1, 2.2, 2.3, or all of them; ${NEWEST} by default
  --scenario    ${SCENARIOS.join(', ')}; by default all; with --containerd all only the newest runs them all, the others ${CORE.join(', ')}
  --record      writes the output of the scenario guide into docs/guide/kubernetes.md`;

/** Parses the command line. Returns the usage if it is wrong. */
export function readArguments(args: readonly string[]): Arguments | string {
  const values = optionsOf(args);
  if (values === undefined) return USAGE;
  const { containerd, scenario, record } = values;
  const all = containerd === 'all';
  const parts = CONTAINERDS.filter((part) => all || isOf(containerd, part));
  const scenarios = scenario ?? SCENARIOS;
  if (parts.length === 0 || !scenarios.every(isScenario)) return USAGE;
  const suites = parts.map((part) => {
    const onlyCore = all && scenario === undefined && !isOf(NEWEST, part);
    return { containerd: part, scenarios: onlyCore ? CORE : scenarios };
  });
  return { suites, record };
}

function optionsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        containerd: { type: 'string', default: NEWEST },
        scenario: { type: 'string', multiple: true },
        record: { type: 'boolean', default: false },
      },
    }).values;
  } catch {
    return undefined;
  }
}

function isOf(minor: string, part: ContainerdOptions['part']): boolean {
  return /^v?(\d+\.\d+)\./.exec(PARTS[part].version)?.[1] === minor;
}

function isScenario(name: string): name is Scenario {
  return (SCENARIOS as readonly string[]).includes(name);
}
