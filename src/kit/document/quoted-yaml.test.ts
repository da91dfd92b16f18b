import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { quotedYaml } from './quoted-yaml.ts';

const VERSIONS = ['1.1', '1.2'] as const;

/** Texts that readers of YAML 1.1 take for something else, or that end a line there. */
const ODD = [
  'yes',
  'No',
  'on',
  'y',
  '~',
  '',
  '0123',
  '0x1F',
  '1e3',
  '.inf',
  '1:30',
  '2001-01-01',
  '<<',
  '=',
  '!!x',
];
const LINES = [
  'a\nb',
  'a\r\n',
  'a\u0085b',
  'a\u2028b\u2029',
  '\ufeffa',
  '\u0000\u007f',
  ' a ',
  '# a',
  'a: b',
  '- a',
];

test('texts are loaded as they are by readers of YAML 1.1 and 1.2', () => {
  const value = { texts: [...ODD, ...LINES], number: 0.1, flag: true, empty: {}, none: [] };
  for (const version of VERSIONS) assert.deepEqual(parse(quotedYaml(value), { version }), value);
});

test('a text is one line of printable characters', () => {
  assert.equal(quotedYaml({ a: LINES.join('') }).split(/[\n\r\u0085\u2028\u2029]/).length, 2);
});

test('keys are sorted, lists are not indented, undefined fields are left out, and repeated values are written out', () => {
  const one = { name: 'x', list: [[1, 'a'], []] };
  const text = `Upper: 1
items:
- list:
  - - 1
    - "a"
  - []
  name: "x"
- list:
  - - 1
    - "a"
  - []
  name: "x"
none: {}
`;
  assert.equal(quotedYaml({ none: { x: undefined }, items: [one, one], left: undefined, Upper: 1 }), text);
});

test('numbers are numbers, also in YAML 1.1', () => {
  const value = { numbers: [0, -1, 0.1, 1e21, 1.5e-9, -2e-7, Number.MAX_SAFE_INTEGER] };
  for (const version of VERSIONS) assert.deepEqual(parse(quotedYaml(value), { version }), value);
});

test('property: any JSON value is loaded as it is', () => {
  const value = fc.dictionary(fc.string(), fc.jsonValue({ stringUnit: 'binary' }));
  fc.assert(
    fc.property(value, (one) => {
      const wanted = JSON.parse(JSON.stringify(one)) as object;
      for (const version of VERSIONS) assert.deepEqual(parse(quotedYaml(wanted), { version }), wanted);
    }),
  );
});

test('a key with a character that YAML refuses is loaded as it is', () => {
  const value = { '': { 'a\ufffe': '' }, '\u2028': ['\u0085'] };
  for (const version of VERSIONS) assert.deepEqual(parse(quotedYaml(value), { version }), value);
});
