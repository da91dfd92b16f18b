import {
  differencesOf,
  explains,
  isAbout,
  listedDifferences,
  type Difference,
  type ListedDifference,
} from './differences.ts';

/** Compares cases with their recordings, and counts what the list of differences explains. */
export interface DifferenceReport {
  /** Returns the differences that the list does not explain. */
  compare(caseName: string, recorded: unknown, actual: unknown): Difference[];
  /** `N equal, N equal but for what is listed, N different` */
  summary(): string;
  /** Entries that have explained nothing, although every case to which they may apply was compared. */
  unused(): ListedDifference[];
}

/** Creates the report of a suite. `caseNames` are all cases of the kinds that it plays, also those that it leaves out this time. */
export function createDifferenceReport(caseNames: readonly string[]): DifferenceReport {
  const listed = listedDifferences();
  const used = new Set<ListedDifference>();
  const compared = new Set<string>();
  const counts = { equal: 0, listed: 0, different: 0 };
  return {
    compare(caseName, recorded, actual) {
      const differences = [...differencesOf(recorded, actual)];
      const open = differences.filter((difference) => {
        const entry = listed.find((candidate) => explains(candidate, caseName, difference));
        if (entry !== undefined) used.add(entry);
        return entry === undefined;
      });
      compared.add(caseName);
      counts[open.length > 0 ? 'different' : differences.length > 0 ? 'listed' : 'equal'] += 1;
      return open;
    },
    summary: () =>
      `${counts.equal} equal, ${counts.listed} equal but for what is listed, ${counts.different} different`,
    unused: () =>
      listed.filter((entry) => {
        const own = caseNames.filter((name) => isAbout(entry, name));
        return own.length > 0 && own.every((name) => compared.has(name)) && !used.has(entry);
      }),
  };
}
