/**
 * Quotes text as Go's `strconv.Quote` does (https://pkg.go.dev/strconv#Quote), which Kubernetes uses for bad values. Letters,
 * marks, digits, punctuation and symbols of any script stay; everything else is escaped.
 */
export function goQuote(text: string): string {
  let quoted = '"';
  for (const char of text.toWellFormed()) {
    quoted += ESCAPES.get(char) ?? (PRINTABLE.test(char) ? char : escape(char.codePointAt(0) ?? 0));
  }
  return `${quoted}"`;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
]);

const PRINTABLE = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

function escape(codePoint: number): string {
  const hex = codePoint.toString(16);
  if (codePoint < 0x80) return `\\x${hex.padStart(2, '0')}`;
  return codePoint < 0x1_0000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
