import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf } from '../../test/cache/target.ts';
import type { LogFields } from '../kit/logger.ts';
import { silentLogger } from '../kit/logger.ts';
import {
  SHARED_WARNING,
  unservedSettings,
  warningsOf,
  warnOfClearText,
  warnOfConfig,
} from './config-warnings.ts';

test('settings that the server does not act on yet are named by their field paths', () => {
  const config = configOf(
    { upstream: 'a.example' },
    { upstream: 'b.example', preload: ['b.example/app:v1'] },
  );
  assert.deepEqual(unservedSettings(config), ['caches[1].preload']);
});

test('caches that share a credential with everyone are named in the log and in their status', () => {
  const config = configOf(
    { upstream: 'a.example' },
    { upstream: 'b.example', secretReferenceName: 'login' },
    { upstream: 'c.example', credentials: [{ repositories: ['x'], secretReferenceName: 's' }] },
    { upstream: 'd.example', provider: 'ecr' },
    { upstream: 'e.example', authentication: { mode: 'Shared' } },
  );
  const lines: [string, LogFields | undefined][] = [];
  warnOfConfig(config, { ...silentLogger, warn: (message, fields) => void lines.push([message, fields]) });
  assert.deepEqual(lines, [
    [SHARED_WARNING, { event: 'config-shared', upstreams: ['b.example', 'c.example', 'd.example'] }],
  ]);
  assert.deepEqual(
    config.caches.map((cache) => warningsOf(cache).length),
    [0, 1, 1, 1, 0],
  );
});

test('a listener that others reach without TLS is named where callers may send logins', () => {
  const callers = configOf({ upstream: 'a.example' });
  const shared = configOf({ upstream: 'b.example', secretReferenceName: 'login' });
  const warned = (config: typeof callers, host: string): number => {
    let count = 0;
    warnOfClearText(config, { host, port: 5000 }, { ...silentLogger, warn: () => void (count += 1) });
    return count;
  };
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
    assert.equal(warned(callers, host), 0, host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'cache.example'])
    assert.equal(warned(callers, host), 1, host);
  assert.equal(warned(shared, '0.0.0.0'), 0);
});
