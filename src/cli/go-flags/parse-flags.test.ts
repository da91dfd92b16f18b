import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { boolFlag, intFlag, listFlag, stringFlag } from './go-flag.ts';
import { parseGoFlags } from './parse-flags.ts';

const FLAGS = {
  file: stringFlag('file', { standard: 'none', usage: '' }),
  port: intFlag('port', { standard: 443, usage: '' }),
  lead: boolFlag('lead', { standard: true, usage: '' }),
  off: listFlag('off', { standard: ['x'], usage: '' }),
  home: stringFlag('home', { standard: 'nowhere', usage: '', variable: 'HOME_OF' }),
  help: boolFlag('help', { short: 'h', standard: false, usage: '' }),
  out: stringFlag('out', { short: 'o', standard: '', usage: '' }),
};

const parse = (args: readonly string[], environment = {}) => parseGoFlags(FLAGS, args, environment);
const refusal = (...args: string[]): string => {
  try {
    parse(args);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe('a flag', () => {
  test('has its default, or that of its environment variable, until an argument gives a value', () => {
    assert.deepEqual(parse([]), {
      file: 'none',
      port: 443,
      lead: true,
      off: ['x'],
      home: 'nowhere',
      help: false,
      out: '',
    });
    assert.equal(parse([], { HOME_OF: 'here' }).home, 'here');
    assert.equal(parse([], { HOME_OF: '' }).home, 'nowhere');
    assert.equal(parse(['--home='], { HOME_OF: 'here' }).home, '');
  });

  test('takes its value behind = or as the next argument, whatever that is', () => {
    assert.equal(parse(['--file=a=b']).file, 'a=b');
    assert.equal(parse(['--file', '--port']).file, '--port');
    assert.equal(parse(['--file', '--']).file, '--');
    assert.equal(parse(['--file=1', '--file=2']).file, '2');
  });

  test('of a boolean never takes the next argument', () => {
    assert.equal(parse(['--lead', 'false']).lead, true);
    for (const [text, value] of Object.entries({
      1: true,
      T: true,
      True: true,
      0: false,
      f: false,
      FALSE: false,
    }))
      assert.equal(parse([`--lead=${text}`]).lead, value, text);
  });

  test('of a number takes the notations of Go', () => {
    const numbers = { '0x1F': 31, '1_000': 1000, '010': 8, '0o17': 15, '0b11': 3, '-5': -5, '+7': 7, '0': 0 };
    for (const [text, value] of Object.entries(numbers))
      assert.equal(parse([`--port=${text}`]).port, value, text);
  });

  test('of a list adds up, and may be quoted as in CSV', () => {
    assert.deepEqual(parse(['--off=a,b', '--off', 'c']).off, ['a', 'b', 'c']);
    assert.deepEqual(parse(['--off=']).off, []);
    assert.deepEqual(parse(['--off="a,b",,"c""d"']).off, ['a,b', '', 'c"d']);
  });

  test('may be one letter, with a value behind it', () => {
    assert.equal(parse(['-h']).help, true);
    assert.equal(parse(['-h=false']).help, false);
    assert.deepEqual([parse(['-ho', 'a']).out, parse(['-oa']).out, parse(['-o=a']).out], ['a', 'a', 'a']);
  });

  test('behind -- is none, and other arguments count for nothing', () => {
    assert.equal(parse(['--', '--nothing']).file, 'none');
    assert.equal(parse(['word', '-', '', '--file=x']).file, 'x');
  });
});

/** The texts are those that the Go admission v0.24.0 prints. */
test('the first wrong argument is refused in the words of pflag', () => {
  const refused = {
    '--nothing': 'unknown flag: --nothing',
    '--nothing=1': 'unknown flag: --nothing',
    '--fil=x': 'unknown flag: --fil',
    '---x': 'bad flag syntax: ---x',
    '--=x': 'bad flag syntax: --=x',
    '--file': 'flag needs an argument: --file',
    '-o': "flag needs an argument: 'o' in -o",
    '-x': "unknown shorthand flag: 'x' in -x",
    '-hx': "unknown shorthand flag: 'x' in -x",
    '--lead=maybe':
      'invalid argument "maybe" for "--lead" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    '-h=maybe':
      'invalid argument "maybe" for "-h, --help" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    '--port=': 'invalid argument "" for "--port" flag: strconv.ParseInt: parsing "": invalid syntax',
    '--port=08': 'invalid argument "08" for "--port" flag: strconv.ParseInt: parsing "08": invalid syntax',
    '--port=1__0':
      'invalid argument "1__0" for "--port" flag: strconv.ParseInt: parsing "1__0": invalid syntax',
    '--port=9223372036854775808':
      'invalid argument "9223372036854775808" for "--port" flag: strconv.ParseInt: parsing "9223372036854775808": value out of range',
    '--off=a"b':
      'invalid argument "a\\"b" for "--off" flag: parse error on line 1, column 2: bare " in non-quoted-field',
    '--off="a':
      'invalid argument "\\"a" for "--off" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field',
    '--off="a""b':
      'invalid argument "\\"a\\"\\"b" for "--off" flag: parse error on line 1, column 6: extraneous or missing " in quoted-field',
    '--off="a"b':
      'invalid argument "\\"a\\"b" for "--off" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field',
  };
  for (const [arg, text] of Object.entries(refused)) assert.equal(refusal(arg), text, arg);
});

test('every text is read back as the value of a text flag, and every list as its values', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.array(
        fc.string().filter((text) => !/[\r\n]/.test(text)),
        { minLength: 1 },
      ),
      (text, list) => {
        assert.equal(parse([`--file=${text}`]).file, text);
        const quoted = list.map((one) => `"${one.replaceAll('"', '""')}"`).join(',');
        assert.deepEqual(parse(['--off', quoted]).off, list);
      },
    ),
  );
});

test('every number of 53 bits is read back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (number) => {
      assert.equal(parse([`--port=${number}`]).port, number);
      if (number >= 0) assert.equal(parse([`--port=0x${number.toString(16)}`]).port, number);
    }),
  );
});

test('no arguments make the parser fail with anything but a refusal', () => {
  const args = fc.array(
    fc.oneof(fc.string(), fc.constantFrom('--file', '--lead=', '-oh', '--off="', '-', '--')),
  );
  fc.assert(
    fc.property(args, (args) => {
      try {
        parse(args);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'USAGE');
      }
    }),
  );
});
