import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { tempDir } from '../kit/temp.ts';
import { findPart, requireParts } from './find.ts';

const { LARDER_PARTS, CI } = process.env;

describe('finding parts', () => {
  afterEach(() => {
    restore('LARDER_PARTS', LARDER_PARTS);
    restore('CI', CI);
  });

  test('a built part is found only in the pinned version', () => {
    using parts = tempDir();
    process.env['LARDER_PARTS'] = parts.path;
    chmodSync(parts.write('crane-v0.1.0/crane', ''), 0o755);
    assert.equal(findPart('crane'), undefined);
    chmodSync(parts.write('crane-v0.22.1/crane', ''), 0o755);
    assert.equal(findPart('crane'), join(parts.path, 'crane-v0.22.1/crane'));
  });

  test('a suite without its parts is skipped with the command that installs them', () => {
    process.env['LARDER_PARTS'] = '/nowhere';
    delete process.env['CI'];
    const skip = 'needs crane, oras; run: node test/parts/install.ts crane oras';
    assert.deepEqual(requireParts(['crane', 'oras']), { skip });
  });

  test('a suite without its parts fails where CI=true', () => {
    process.env['LARDER_PARTS'] = '/nowhere';
    process.env['CI'] = 'true';
    assert.throws(() => requireParts(['crane']), /This suite needs crane/);
  });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
