import type { FieldPath, Problem, Problems } from '../../kit/document/field-problem.ts';
import { RULE_MESSAGES } from './rule-messages.ts';

/** What is wrong with a Secret's reference. It becomes a directory below `--secrets`, so it may not lead anywhere else. */
export function* secretNameRules(
  name: string | undefined,
  path: FieldPath,
  problems: Problems,
): Generator<Problem> {
  if (name === undefined) return;
  if (name === '') yield problems.invalid(path, name, RULE_MESSAGES.notEmpty);
  // oxlint-disable-next-line no-control-regex -- no file name may hold NUL
  else if (/[/\u0000]/.test(name) || name === '.' || name === '..') {
    yield problems.invalid(path, name, RULE_MESSAGES.plainName);
  }
}
