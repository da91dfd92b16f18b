import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fileNameOf, parseFileName, SECRET_KEYS } from './secret-files.ts';

const key = fc.constantFrom(...SECRET_KEYS);
/** A name as Kubernetes allows it, with dots and dashes, and with parts that look like keys. */
const label = fc.oneof(
  fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?$/),
  fc.constantFrom('username', 'password', 'dockerconfigjson', 'bundle', 'crt'),
);
const secretName = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));

test('a file name is read back as the name and key of its Secret', () => {
  fc.assert(
    fc.property(secretName, key, (name, one) => {
      assert.deepEqual(parseFileName(fileNameOf(name, one)), { name, key: one });
    }),
  );
});

test('a file name that is read is the one that is written', () => {
  const ending = fc.constantFrom('', ...SECRET_KEYS, ...SECRET_KEYS.map((one) => `.${one}`));
  fc.assert(
    fc.property(fc.string(), ending, (start, end) => {
      const found = parseFileName(start + end);
      if (found !== undefined) assert.equal(fileNameOf(found.name, found.key), start + end);
    }),
  );
});

test('a key alone, or another key, is no file of a Secret', () => {
  for (const name of ['username', '.username', 'bundle.crt', '..dockerconfigjson', 'hub.tls.crt', 'hub', ''])
    assert.equal(parseFileName(name), undefined, name);
});
