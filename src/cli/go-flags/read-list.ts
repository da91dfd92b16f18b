const QUOTED = /"((?:[^"]|"")*)"(?!")/y;
const PLAIN = /[^,\r\n]*/y;

/**
 * Reads values separated by commas, as a line of CSV (Go's `encoding/csv`): a value in quotes may contain commas, and a quote twice. Throws
 * an `Error` with Go's text.
 */
export function readList(text: string): readonly string[] {
  if (text === '') return [];
  const values: string[] = [];
  let at = 0;
  for (;;) {
    const isQuoted = text[at] === '"';
    const [whole, inner] = match(isQuoted ? QUOTED : PLAIN, text, at) ?? [];
    if (whole === undefined) throw problem(text, text.length, MISPLACED);
    if (isQuoted) values.push((inner ?? '').replaceAll('""', '"'));
    else if (whole.includes('"')) throw problem(text, at + whole.indexOf('"'), BARE);
    else values.push(whole);
    at += whole.length;
    if (at === text.length || /[\r\n]/.test(text[at] ?? '')) return values;
    if (text[at] !== ',') throw problem(text, at - 1, MISPLACED);
    at += 1;
  }
}

const BARE = 'bare " in non-quoted-field';
const MISPLACED = 'extraneous or missing " in quoted-field';

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Counts columns in bytes, from 1. */
function problem(text: string, at: number, what: string): Error {
  return new Error(`parse error on line 1, column ${Buffer.byteLength(text.slice(0, at)) + 1}: ${what}`);
}
