import { stringify } from 'yaml';
import { valueList } from './value-list.ts';

const LINE_WIDTH = 110;

/** Writes the chart's `values.yaml`: every value with its default, its meaning as a comment above. */
export function valuesYaml(): string {
  const lines = [
    '# Generated from deploy/chart-files/values.ts by `npm run generate`; a test keeps it in step.',
  ];
  let before: readonly string[] = [];
  for (const { path, standard, description } of valueList()) {
    const name = path.at(-1) ?? '';
    const parents = path.slice(0, -1);
    if (parents.length === 0 || parents[0] !== before[0]) lines.push('');
    for (const [depth, parent] of parents.entries())
      if (parents.slice(0, depth + 1).join('.') !== before.slice(0, depth + 1).join('.'))
        lines.push(`${'  '.repeat(depth)}${parent}:`);
    const indent = '  '.repeat(parents.length);
    lines.push(...comment(description, indent));
    const text = stringify({ [name]: standard }, { singleQuote: true }).trimEnd();
    lines.push(...text.split('\n').map((line) => indent + line));
    before = parents;
  }
  return `${lines.join('\n')}\n`;
}

function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= LINE_WIDTH) lines.push(`${indent}# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
