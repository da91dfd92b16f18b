import type { Problem } from '../../src/kit/document/field-problem.ts';

/** Joins problems as Kubernetes does. A value that cannot be decoded hides all other problems. */
export function goText(problems: readonly Problem[]): string {
  const undecodable = problems.find((problem) => problem.kind === 'Undecodable');
  if (undecodable !== undefined) return `failed to decode providerConfig: ${undecodable.message}`;
  const unknown = problems.filter((problem) => problem.kind === 'UnknownField');
  if (unknown.length > 0) {
    const fields = unknown.map((problem) => problem.message.replace(/ \(.*\)$/, ''));
    return `failed to decode providerConfig: strict decoding error: ${fields.join(', ')}`;
  }
  const texts = [...new Set(problems.map((problem) => problem.text))];
  return texts.length === 1 ? String(texts[0]) : `[${texts.join(', ')}]`;
}
