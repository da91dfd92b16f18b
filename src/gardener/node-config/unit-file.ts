import { goQuote } from '../../kit/document/go-quote.ts';

/**
 * Finds why a text is no file of systemd, in the words of `github.com/coreos/go-systemd` v22, with which Gardener reads units. Undefined if it is
 * one. Lines may be of any length: systemd takes 1 MiB, and that library 2 KiB.
 */
export function unitFileProblem(text: string): string | undefined {
  let rest = text;
  let isInSection = false;
  for (;;) {
    if (isInSection) rest = rest.trimStart();
    if (rest === '') return undefined;
    const first = rest[0] as string;
    if (first === '[') {
      const end = rest.indexOf(']');
      if (end < 0) return 'unable to find end of section';
      const [line, after] = splitLine(rest.slice(end + 1));
      if (line.trim() !== '') return `found garbage after section name : ${goQuote(line.trim())}`;
      rest = after;
      isInSection = true;
    } else if (first === '#' || first === ';') {
      rest = afterContinued(rest, (line) => line.replace(/ $/, '').endsWith('\\'));
    } else if (isInSection) {
      const end = rest.search(/[=\r\n]/);
      if (end < 0) return 'EOF';
      if (rest[end] !== '=') return 'unexpected newline encountered while parsing option name';
      rest = afterContinued(rest.slice(end + 1), (line) => line.trim() !== '' && line.endsWith('\\'));
    } else {
      // Before the first section every character is passed over.
      rest = rest.slice(1);
    }
  }
}

/** Passes over a line, and further ones for as long as the last one goes on. */
function afterContinued(text: string, goesOn: (line: string) => boolean): string {
  let rest = text;
  for (;;) {
    const [line, after] = splitLine(rest);
    if (!goesOn(line) || after === '') return after;
    rest = after;
  }
}

/** The first line without its end, and everything after it. */
function splitLine(text: string): [line: string, after: string] {
  const end = text.indexOf('\n');
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)];
}
