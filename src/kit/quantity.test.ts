import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isLarderError } from './errors.ts';
import { compareQuantities, formatBytes, parseQuantity, quantityToBytes } from './quantity.ts';

// Checked against k8s.io/apimachinery v0.36: the outcome of resource.ParseQuantity.
const READABLE: readonly [input: string | number, text: string, bytes: number][] = [
  ['10Gi', '10Gi', 10_737_418_240],
  ['10240Mi', '10Gi', 10_737_418_240],
  ['1.5Ti', '1536Gi', 1_649_267_441_664],
  ['0.1Gi', '107374182400m', 107_374_183],
  ['.5Gi', '512Mi', 536_870_912],
  ['3000M', '3G', 3_000_000_000],
  ['500M', '500M', 500_000_000],
  ['2000000u', '2', 2],
  ['0.5', '500m', 1],
  ['1n', '1n', 1],
  ['0.1n', '1n', 1],
  ['-0.5', '-500m', 0],
  ['-1Gi', '-1Gi', -1_073_741_824],
  ['0', '0', 0],
  ['00', '0', 0],
  ['0Gi', '0', 0],
  ['1023Ki', '1023Ki', 1_047_552],
  ['1000Ki', '1000Ki', 1_024_000],
  ['1e3', '1e3', 1000],
  ['12e4', '120e3', 120_000],
  ['10Ei', '9223372036854775807', Number.MAX_SAFE_INTEGER],
  [20, '20', 20],
  [1.5, '1500m', 2],
  [1e21, '1e+21', Number.MAX_SAFE_INTEGER],
  [' 5Gi ', '5Gi', 5_368_709_120],
];

for (const [input, text, bytes] of READABLE) {
  test(`reads ${JSON.stringify(input)} as ${text}`, () => {
    const quantity = parseQuantity(input);
    assert.equal(quantity.text, text);
    assert.equal(quantityToBytes(quantity), bytes);
  });
}

test('keeps the spelling of a short number that passes for canonical', () => {
  for (const text of ['010Gi', '+5Gi', '5.Gi', '1E3', '+20', '123456789']) {
    assert.equal(parseQuantity(text).text, text);
  }
});

const REFUSED: readonly [input: string | number, message: string][] = [
  ['foo', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['5GB', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['1.2.3', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['5gi', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['5KiM', "unable to parse quantity's suffix"],
  ['5K', "unable to parse quantity's suffix"],
  ['1e1000000000', "unable to parse quantity's suffix"],
  ['Gi', 'unable to parse numeric part of quantity'],
  ['9'.repeat(1000), 'unable to parse numeric part of quantity'],
];

for (const [input, message] of REFUSED) {
  test(`refuses ${JSON.stringify(String(input).slice(0, 30))} in the words of Kubernetes`, () => {
    assert.throws(
      () => parseQuantity(input),
      (error) => isLarderError(error, 'CONFIG_INVALID') && error.message === message,
    );
  });
}

test('a long field costs no more than its length', () => {
  const started = performance.now();
  assert.throws(() => parseQuantity(`${'0'.repeat(1_000_000)}x`));
  assert.ok(performance.now() - started < 1000);
});

const anyText = fc.stringMatching(
  /^[-+]?[0-9]{0,20}\.?[0-9]{0,20}(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e[-+]?[0-9]{1,2})?$/,
);

test('the canonical text is the same amount, and canonical itself', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      let quantity;
      try {
        quantity = parseQuantity(text);
      } catch (error) {
        assert.ok(isLarderError(error, 'CONFIG_INVALID'));
        return;
      }
      const again = parseQuantity(quantity.text);
      assert.equal(compareQuantities(again, quantity), 0);
      assert.equal(again.text, quantity.text);
    }),
  );
});

test('amounts compare by size, whatever their spelling', () => {
  assert.equal(compareQuantities(parseQuantity('10Gi'), parseQuantity('10240Mi')), 0);
  assert.ok(compareQuantities(parseQuantity('1G'), parseQuantity('1Gi')) < 0);
  assert.ok(compareQuantities(parseQuantity('0'), parseQuantity('-1n')) > 0);
});

test('bytes are written in the shorter of the two systems and read back exactly', () => {
  assert.equal(formatBytes(53_687_091_200), '50Gi');
  assert.equal(formatBytes(50_000_000_000), '50G');
  assert.equal(formatBytes(0), '0');
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      assert.equal(quantityToBytes(parseQuantity(formatBytes(bytes))), bytes);
    }),
  );
});
