import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf } from '../../test/cache/target.ts';
import type { RegistryConfig } from '../api/registry-config/effective.ts';
import { silentLogger, type LogFields } from '../kit/logger.ts';
import { warningsOf, warnOfClearText, warnOfConfig } from './config-warnings.ts';

const SHARED_WARNING = 'everyone who reaches this cache reads what the configured credential may read';

type Line = [message: string, fields: LogFields | undefined];

test('settings that the server does not act on yet are named by their field paths', () => {
  const config = configOf(
    { upstream: 'a.example' },
    { upstream: 'b.example', preload: ['b.example/app:v1'] },
  );
  assert.deepEqual(warningsLogged(config), [
    ['this version ignores some settings', { event: 'config-unserved', fields: ['caches[1].preload'] }],
  ]);
});

test('caches that share a credential with everyone are named in the log and in their status', () => {
  const config = configOf(
    { upstream: 'a.example' },
    { upstream: 'b.example', secretReferenceName: 'login' },
    { upstream: 'c.example', credentials: [{ repositories: ['x'], secretReferenceName: 's' }] },
    { upstream: 'd.example', provider: 'ecr' },
    { upstream: 'e.example', authentication: { mode: 'Shared' } },
  );
  assert.deepEqual(warningsLogged(config), [
    [SHARED_WARNING, { event: 'config-shared', upstreams: ['b.example', 'c.example', 'd.example'] }],
  ]);
  assert.deepEqual(
    config.caches.map((cache) => warningsOf(cache).length),
    [0, 1, 1, 1, 0],
  );
});

function warningsLogged(config: RegistryConfig): Line[] {
  const lines: Line[] = [];
  warnOfConfig(config, { ...silentLogger, warn: (message, fields) => void lines.push([message, fields]) });
  return lines;
}

test('a listener without TLS that other machines reach is reported if callers may send logins', () => {
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
