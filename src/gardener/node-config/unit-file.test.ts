import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseOsConfig } from '../../../test/gardener/play-osc.ts';
import { unitFileProblem } from './unit-file.ts';

test('units of any layout can be read', () => {
  const units = baseOsConfig().spec['units'] as readonly { readonly content?: string }[];
  for (const text of [
    ...units.map(({ content = '' }) => content),
    '',
    'no section, no problem',
    '[A]',
    '[A]\n\n# x \\\n goes on\n;y\n  b=1\nc=\nd = e \\\n  f\\\n\n[B]\r\ng=h',
    '[A]\nb=[c',
    `[A]\nb=${'x'.repeat(100_000)}\n`,
  ])
    assert.equal(unitFileProblem(text), undefined, text.slice(0, 100));
});

test('other texts have the problem that Go finds', () => {
  for (const [text, problem] of [
    ['[Service', 'unable to find end of section'],
    ['x[Service\n', 'unable to find end of section'],
    ['[A]\nb=c\n[D', 'unable to find end of section'],
    ['[A] b\n', 'found garbage after section name : "b"'],
    ['[A]\nbc\n', 'unexpected newline encountered while parsing option name'],
    ['[A]\nbc', 'EOF'],
  ] as const)
    assert.equal(unitFileProblem(text), problem, text);
});
