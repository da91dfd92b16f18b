import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCacheStatus, type CacheStatus } from './cache-status.ts';

test('says what happened in the words of RFC 9211', () => {
  const cases: [CacheStatus, string][] = [
    [{ kind: 'hit' }, 'larder; hit'],
    [{ kind: 'hit', ttlSeconds: 29.6 }, 'larder; hit; ttl=30'],
    [{ kind: 'miss', stored: true }, 'larder; fwd=uri-miss; stored'],
    [{ kind: 'miss', collapsed: true }, 'larder; fwd=uri-miss; collapsed'],
    [{ kind: 'miss', status: 200 }, 'larder; fwd=uri-miss; fwd-status=200'],
    [{ kind: 'miss', detail: 'NOT_STORED' }, 'larder; fwd=uri-miss; detail=NOT_STORED'],
    [{ kind: 'revalidated', status: 200, stored: false }, 'larder; fwd=stale; fwd-status=200'],
    [
      { kind: 'revalidated', status: 200, stored: true, collapsed: true },
      'larder; fwd=stale; fwd-status=200; stored; collapsed',
    ],
    [
      { kind: 'stale', ttlSeconds: -12.2, detail: 'UPSTREAM_5XX' },
      'larder; fwd=stale; ttl=-12; detail=UPSTREAM_5XX',
    ],
    [{ kind: 'bypass', detail: 'TOKEN', status: 401 }, 'larder; fwd=bypass; fwd-status=401; detail=TOKEN'],
    [{ kind: 'error', detail: 'NAME_UNKNOWN' }, 'larder; detail=NAME_UNKNOWN'],
  ];
  for (const [status, text] of cases) assert.equal(formatCacheStatus(status), text);
});

test('is always a structured field: a token and parameters with integer, token or no value (RFC 8941)', () => {
  const seconds = fc.double({ min: -1e9, max: 1e9, noNaN: true });
  const failure = fc.constantFrom('UPSTREAM_5XX', 'UPSTREAM_TIMEOUT');
  const refusal = fc.constantFrom('NOT_STORED', 'UPSTREAM_DENIED');
  const bypass = fc.constantFrom('STORE_FULL', 'SCHEMA1', 'TOKEN');
  const flags = { stored: fc.boolean(), collapsed: fc.boolean(), detail: refusal };
  const status: fc.Arbitrary<CacheStatus> = fc.oneof(
    fc.record({ kind: fc.constant('hit' as const), ttlSeconds: fc.option(seconds, { nil: undefined }) }),
    fc.record({ kind: fc.constant('miss' as const), ...flags }, { requiredKeys: ['kind'] }),
    fc.record({ kind: fc.constant('stale' as const), ttlSeconds: seconds, detail: failure }),
    fc.record({
      kind: fc.constant('bypass' as const),
      detail: bypass,
      status: fc.integer({ min: 100, max: 599 }),
    }),
  );
  fc.assert(
    fc.property(status, (value) => {
      assert.match(
        formatCacheStatus(value),
        /^larder(; [a-z-]+(=(-?\d+|[a-zA-Z*][\w:/!#$%&'*+.^`|~-]*))?)+$/,
      );
    }),
  );
});
