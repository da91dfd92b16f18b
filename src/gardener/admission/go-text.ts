import { goQuote } from '../../kit/document/go-quote.ts';
import { formatPath, type FieldPath, type Problem } from '../../kit/document/field-problem.ts';

/**
 * Joins problems as `ErrorList.ToAggregate` of `k8s.io/apimachinery/pkg/util/validation/field` does: one is its own text, several
 * stand in brackets, each text once. Half a surrogate pair, which JSON can hold and Go cannot, is replaced.
 */
export function aggregateText(problems: readonly Problem[]): string {
  const texts = [...new Set(problems.map(({ text }) => text))];
  const text = texts.length === 1 ? String(texts[0]) : `[${texts.join(', ')}]`;
  return text.toWellFormed();
}

/** Most unknown and repeated fields that are named (`sigs.k8s.io/json`, strict decoding). */
export const MOST_FIELDS = 100;

/**
 * Says why a document could not be read, with paths in the document; undefined if it could be. Unknown and repeated fields are reported in the
 * words of the Gardener extension, and as there only if all values could be read. Values are reported in Larder's words, which name the field.
 */
export function decodingText(
  problems: readonly Problem[],
  repeated: readonly FieldPath[],
): string | undefined {
  const unreadable = problems.filter(({ kind }) => kind !== 'UnknownField');
  if (unreadable.length > 0) return unreadable.map(({ text }) => text).join(', ');
  const fields = [
    ...problems.map(({ path }) => `unknown field ${goQuote(path)}`),
    ...repeated.map((path) => `duplicate field ${goQuote(formatPath(path))}`),
  ];
  if (fields.length === 0) return undefined;
  return `strict decoding error: ${[...new Set(fields)].slice(0, MOST_FIELDS).join(', ')}`;
}
