import { parseArgs } from 'node:util';

/** Names of the files `NAME.scenario.ts` in this folder, in the order in which they are played. */
export const SCENARIOS = ['creation', 'owner', 'nodes', 'upkeep', 'rotation', 'sleep', 'end'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Arguments {
  readonly scenarios: readonly ScenarioName[];
  /** True if the session of the shoot's owner is to be written into the docs. */
  readonly record: boolean;
}

/** The others need the shoot that these two leave. */
const FIRST: readonly ScenarioName[] = ['creation', 'owner'];

const USAGE = `npm run e2e:gardener -- [--scenario NAME]... [--record]
  --scenario  ${SCENARIOS.join(', ')}; by default all. ${FIRST.join(' and ')} are always played
  --record    writes the session of the shoot's owner into docs/guide/shoot.md`;

/** Parses the command line. Returns the usage if it is wrong. */
export function readArguments(args: readonly string[]): Arguments | string {
  try {
    const { scenario, record } = parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string', multiple: true, default: [...SCENARIOS] },
        record: { type: 'boolean', default: false },
      },
    }).values;
    const asked = new Set<string>([...FIRST, ...scenario]);
    const scenarios = SCENARIOS.filter((name) => asked.has(name));
    return scenarios.length === asked.size ? { scenarios, record } : USAGE;
  } catch {
    return USAGE;
  }
}
