/** Reads the tables of the reference pages, for tests that compare pages with the code. */
import { readFileSync } from 'node:fs';

export function readPage(name: string): string {
  return readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8');
}

/** Cells of each row in the table whose first heading is `first`, without the backticks around single words. */
export function tableRows(page: string, first: string): string[][] {
  const lines = page.split('\n');
  const at = lines.findIndex((line) => cells(line)[0] === first);
  if (at === -1) throw new Error(`no table whose first column is ${first}`);
  const body = lines.slice(at + 2);
  const end = body.findIndex((line) => !line.startsWith('|'));
  return body.slice(0, end === -1 ? undefined : end).map(cells);
}

function cells(line: string): string[] {
  const inner = line.trim().replaceAll(/^\||\|$/g, '');
  return inner.split('|').map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1'));
}
