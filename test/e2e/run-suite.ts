import { run } from 'node:test';
import { spec } from 'node:test/reporters';

export interface Counts {
  passed: number;
  failed: number;
}

export type Print = (text: string) => void;

/** Runs a suite with one argument in a process of its own, test after test, and prints what it reports. */
export async function runSuite(file: string, argument: string, print: Print): Promise<Counts> {
  const events = run({ files: [file], argv: [argument], concurrency: false });
  let counts: Counts = { passed: 0, failed: 1 };
  events.on('test:summary', ({ counts: { tests, passed, skipped, todo }, file: ofFile }) => {
    if (ofFile === undefined) counts = { passed, failed: tests - passed - skipped - todo };
  });
  for await (const text of events.compose(spec())) print(text as string);
  return counts;
}
