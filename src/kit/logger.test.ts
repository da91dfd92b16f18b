import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createLogger, silentLogger, type LogOptions, type Logger } from './logger.ts';

function logged(options: LogOptions, use: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  use(createLogger(options, (line) => void lines.push(line)));
  return lines;
}

describe('the JSON format', () => {
  test('is one object a line with level, time in RFC 3339, msg and the fields', () => {
    const [line = '', ...others] = logged({ level: 'info', format: 'json' }, (logger) =>
      logger.warn('upstream is slow', { upstream: 'docker.io', ms: 1200 }),
    );
    assert.deepEqual(others, []);
    assert.ok(line.endsWith('}\n'));
    const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual(rest, { level: 'warn', msg: 'upstream is slow', upstream: 'docker.io', ms: 1200 });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('is one line whatever the fields hold', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (message, value) => {
        const [line = '', ...others] = logged({ level: 'debug', format: 'json' }, (logger) =>
          logger.debug(message, { value }),
        );
        assert.equal(others.length, 0);
        assert.equal(line.indexOf('\n'), line.length - 1);
        const { msg, value: read } = JSON.parse(line) as Record<string, unknown>;
        assert.deepEqual([msg, read], [message, value]);
      }),
    );
  });
});

describe('the text format', () => {
  test('is time, level, message and the fields, values with blanks quoted', () => {
    const [line = ''] = logged({ level: 'info', format: 'text' }, (logger) =>
      logger.info('image pulled', { repository: 'library/alpine', layers: 3, agent: 'a b', list: [1] }),
    );
    assert.match(
      line,
      /^\d\d:\d\d:\d\d INFO {2}image pulled repository=library\/alpine layers=3 agent="a b" list=\[1\]\n$/,
    );
  });

  test('cannot be made to look like two lines by a field', () => {
    const [line = ''] = logged({ level: 'info', format: 'text' }, (logger) =>
      logger.info('x', { path: 'a\n12:00:00 ERROR forged' }),
    );
    assert.equal(line.split('\n').length, 2);
  });
});

test('lines below the level are not written, and the logger says so beforehand', () => {
  const lines = logged({ level: 'warn', format: 'json' }, (logger) => {
    assert.equal(logger.enabled('info'), false);
    assert.equal(logger.enabled('error'), true);
    logger.debug('no');
    logger.info('no');
    logger.error('yes');
  });
  assert.equal(lines.length, 1);
});

test('a logger made with fields adds them to all its lines and leaves its parent as it was', () => {
  const lines = logged({ level: 'info', format: 'json' }, (logger) => {
    logger.with({ request: 'a1' }).info('first', { ms: 2 });
    logger.info('second');
  });
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(first?.['request'], 'a1');
  assert.equal(first?.['ms'], 2);
  assert.equal('request' in (second ?? {}), false);
});

test('the silent logger is silent at every level', () => {
  silentLogger.with({ a: 1 }).error('x');
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    assert.equal(silentLogger.enabled(level), false);
});
