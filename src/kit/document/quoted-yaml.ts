/**
 * Writes a JSON value as YAML in which every text is in double quotes and keys are sorted. Readers of YAML 1.1 (those of Go and Python) and of 1.2
 * load the same value: no text is taken for a number, a boolean or a line break. Equal values give equal texts. Undefined fields are left out.
 * Takes a tenth of the time of the `yaml` package, which matters where many objects are written at once.
 */
export function quotedYaml(value: object): string {
  const lines: string[] = [];
  write(value, '', '', lines);
  return `${lines.join('\n')}\n`;
}

/** Appends the lines of a value. `start` is what the first one begins with, `indent` the others. */
function write(value: unknown, start: string, indent: string, lines: string[]): void {
  if (Array.isArray(value) && value.length > 0) {
    writeEach(
      value.map((item: unknown) => ['- ', item ?? null]),
      start,
      indent,
      lines,
    );
  } else if (isMap(value)) {
    const fields = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .toSorted();
    if (fields.length === 0) lines.push(`${start}{}`);
    else
      writeEach(
        fields.map((key) => [`${keyText(key)}:`, value[key]]),
        start,
        indent,
        lines,
      );
  } else lines.push(start + scalarText(value));
}

/** Appends items or fields. The first one stands in the line of `start`. */
function writeEach(
  parts: readonly [head: string, value: unknown][],
  start: string,
  indent: string,
  lines: string[],
): void {
  for (const [index, [head, value]] of parts.entries()) {
    const line = (index === 0 ? start : indent) + head;
    if (head === '- ') write(value, line, `${indent}  `, lines);
    else if (isScalar(value)) lines.push(`${line} ${scalarText(value)}`);
    else {
      lines.push(line);
      const inner = Array.isArray(value) ? indent : `${indent}  `;
      write(value, inner, inner, lines);
    }
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for a value that takes one line: also an empty list or map. */
function isScalar(value: unknown): boolean {
  return (
    typeof value !== 'object' || value === null || Object.values(value).every((one) => one === undefined)
  );
}

function scalarText(value: unknown): string {
  if (isMap(value)) return '{}';
  const text = JSON.stringify(value ?? null);
  // YAML 1.1 has no number with an exponent and without a point.
  if (typeof value === 'number') return text.replace(/^(-?\d+)e/, '$1.0e');
  return text.replaceAll(NOT_PRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Leaves a key as it is if no reader takes it for anything else. */
function keyText(key: string): string {
  return /^[A-Za-z_][-\w./]{2,}$/.test(key) && !/^(?:yes|true|false|null|off)$/i.test(key)
    ? key
    : scalarText(key);
}

/** Characters that JSON has in texts as they are, and that YAML 1.1 takes for line breaks or refuses. */
// oxlint-disable-next-line no-control-regex -- control characters are what it finds
const NOT_PRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
