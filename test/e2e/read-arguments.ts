import { parseArgs } from 'node:util';
import { PARTS } from '../parts/parts.ts';
import { CONTAINERDS, type ContainerdOptions } from '../parts/start-containerd.ts';

/** Each is a file `NAME.scenario.ts` of this folder. */
export const SCENARIOS = [
  'pull',
  'private',
  'conditions',
  'trouble',
  'thief',
  'taken-port',
  'changes',
  'guide',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** One cluster, and what happens in it. */
export interface Suite {
  readonly containerd: ContainerdOptions['part'];
  readonly scenarios: readonly Scenario[];
}

export interface Arguments {
  readonly suites: readonly Suite[];
  /** Whether what kubectl shows is written into the docs. */
  readonly record: boolean;
}

const NEWEST = '2.3';
/** What every containerd has to pass where all of them are asked for, and only the newest everything. */
const CORE: readonly Scenario[] = ['pull', 'thief'];

const USAGE = `npm run e2e:kubernetes -- [--containerd VERSION] [--scenario NAME]... [--record]
  --containerd  1.6, 1.7, 2.0, 2.1, 2.2, 2.3, or all of them; ${NEWEST} unless told
  --scenario    ${SCENARIOS.join(', ')}; unless told all of them, of all containerds but the newest only: ${CORE.join(', ')}
  --record      writes what the scenario guide shows into docs/guide/kubernetes.md`;

/** What a command line asks for, or what can be asked for. */
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
