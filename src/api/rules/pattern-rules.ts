import type { FieldPath, Problem, Problems } from '../../kit/document/field-problem.ts';
import { maskUserInfo } from './host-and-url.ts';
import { patternMessage } from './rule-messages.ts';

/** Checks a list of patterns or references: no blanks, no scheme, each once. `what` is a phrase such as "an image reference". */
export function* patternRules(
  entries: readonly string[],
  path: FieldPath,
  what: string,
  problems: Problems,
): Generator<Problem> {
  const seen = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (entry === '' || /\s|:\/\//.test(entry)) {
      yield problems.invalid([...path, index], maskUserInfo(entry), patternMessage(what));
    }
    if (seen.has(entry)) yield problems.duplicate([...path, index], maskUserInfo(entry));
    seen.add(entry);
  }
}
