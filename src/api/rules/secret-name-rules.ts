import type { FieldPath, Problem, Problems } from '../../kit/document/field-problem.ts';
import { RULE_MESSAGES } from './rule-messages.ts';

/** Checks the name of a Secret. The name becomes a directory in `--secrets`, so it must not lead out of it. */
export function* secretNameRules(
  name: string | undefined,
  path: FieldPath,
  problems: Problems,
): Generator<Problem> {
  if (name === undefined) return;
  if (name === '') yield problems.invalid(path, name, RULE_MESSAGES.notEmpty);
  // oxlint-disable-next-line no-control-regex -- no file name may contain NUL
  else if (/[/\u0000]/.test(name) || name === '.' || name === '..') {
    yield problems.invalid(path, name, RULE_MESSAGES.plainName);
  }
}
