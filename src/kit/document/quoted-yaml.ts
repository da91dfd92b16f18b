import { stringify } from 'yaml';

/**
 * Writes a value as YAML in which every text is in double quotes and keys are sorted. Readers of YAML 1.1 (those of Go and Python) and of 1.2
 * load the same value: no text is taken for a number, a boolean or a line break. Equal values give equal texts. Undefined fields are left out.
 */
export function quotedYaml(value: object): string {
  const isPrintable = JSON.stringify(value).search(NOT_PRINTABLE) < 0;
  const text = stringify(value, {
    version: '1.1',
    sortMapEntries: true,
    aliasDuplicateObjects: false,
    indentSeq: false,
    lineWidth: 0,
    defaultStringType: 'QUOTE_DOUBLE',
    // Only in quotes can a key have escapes.
    defaultKeyType: isPrintable ? 'PLAIN' : 'QUOTE_DOUBLE',
    doubleQuotedAsJSON: true,
  });
  return text.replaceAll(NOT_PRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Characters that JSON has in texts as they are, and that YAML 1.1 takes for line breaks or refuses. */
// oxlint-disable-next-line no-control-regex -- control characters are what it finds
const NOT_PRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
