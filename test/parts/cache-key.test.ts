import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { cacheKey } from './cache-key.ts';

test('the key is the same for the same parts, and another for another list, another way to build, another machine', () => {
  const read = (file: string): string => `content of ${file}`;
  const key = cacheKey(read, 'linux-x64');
  assert.match(key, /^[0-9a-f]{16}$/);
  assert.equal(cacheKey(read, 'linux-x64'), key);
  const others = [
    cacheKey((file) => read(file) + (file === 'parts.ts' ? ' changed' : ''), 'linux-x64'),
    cacheKey((file) => read(file) + (file === 'install-go.ts' ? ' changed' : ''), 'linux-x64'),
    cacheKey(read, 'linux-arm64'),
  ];
  assert.equal(new Set([key, ...others]).size, 4);
});

test('install.ts --key prints the key and installs nothing', () => {
  const printed = execFileSync(process.execPath, [join(import.meta.dirname, 'install.ts'), '--key'], {
    encoding: 'utf8',
  });
  assert.equal(printed, `${cacheKey()}\n`);
});
