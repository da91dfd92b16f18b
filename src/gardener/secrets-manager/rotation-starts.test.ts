import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { secretName } from './checksums.ts';
import type { ManagedSecret } from './managed-secret.ts';
import { newestFirst, rotationStarts } from './rotation-starts.ts';

const DAY = 24 * 3600_000;
const T0 = 1_700_000_000_000;

function secret(fields: Partial<ManagedSecret> & { readonly labels: Record<string, string> }): ManagedSecret {
  return { name: 'x', createdAt: T0, isImmutable: true, data: {}, ...fields };
}

/** A certificate named `a` that was issued at `T0`. */
function certificate(days: number, more: Record<string, string> = {}): ManagedSecret {
  const until = String(T0 / 1000 + days * 86_400);
  return secret({
    labels: { name: 'a', 'issued-at-time': String(T0 / 1000), 'valid-until-time': until, ...more },
  });
}

function startsAt(now: number, secrets: ManagedSecret[], rotatesAuthorities = true): string | undefined {
  return rotationStarts(secrets, now, { rotatesAuthorities }).get('a');
}

test('a certificate is renewed after 80 % of its life, or 10 days before its end if that is earlier', () => {
  const dues: [number, number][] = [
    [30, 20],
    [40, 30],
    [90, 72],
    [50, 40],
    [100, 80],
    [3652, 2921.6],
  ];
  for (const [days, due] of dues) {
    const at = String(T0 / 1000 + due * 86_400);
    assert.equal(startsAt(T0 + due * DAY, [certificate(days)]), '', `${days} days`);
    assert.equal(startsAt(T0 + due * DAY + 1, [certificate(days)]), at, `${days} days`);
    assert.equal(startsAt(T0 + 9999 * DAY, [certificate(days)]), at, 'the same start, however late');
  }
});

test('an authority is renewed only where authorities rotate', () => {
  const authority = { ...certificate(30), data: { 'ca.crt': '', 'ca.key': '' } };
  assert.equal(startsAt(T0 + 29 * DAY, [authority], false), '');
  assert.notEqual(startsAt(T0 + 29 * DAY, [authority], true), '');
  assert.notEqual(startsAt(T0 + 29 * DAY, [certificate(30)], false), '', 'another certificate is');
});

test('the newest Secret decides, and keeps its start until it is due itself', () => {
  const old = certificate(30, { 'last-rotation-initiation-time': '1' });
  const renewed = {
    ...certificate(3000, { 'last-rotation-initiation-time': '2' }),
    createdAt: T0 + DAY,
    name: 'y',
  };
  assert.equal(startsAt(T0 + 29 * DAY, [old, renewed]), '2');
  assert.equal(startsAt(T0 + 29 * DAY, [renewed, old]), '2');
});

test('a start that is given decides, whatever the Secrets say', () => {
  const starts = rotationStarts([certificate(30)], T0 + 29 * DAY, {
    rotatesAuthorities: true,
    rotationStarts: new Map([
      ['a', 1_649_825_730_000],
      ['b', 1_649_825_731_999],
    ]),
  });
  assert.deepEqual(
    [...starts],
    [
      ['a', '1649825730'],
      ['b', '1649825731'],
    ],
  );
});

test('labels that are no numbers renew nothing', () => {
  for (const text of ['', 'soon', '-1', '1e9', '9'.repeat(13)])
    assert.equal(startsAt(T0 + 9999 * DAY, [certificate(30, { 'valid-until-time': text })]), '', text);
});

test('a start whose name is taken moves on by seconds', () => {
  const due = T0 / 1000 + 20 * 86_400;
  const taken = { ...certificate(30), name: secretName('a', ['1'], String(due)) };
  assert.equal(startsAt(T0 + 25 * DAY, [taken]), String(due + 1));
});

test('of Secrets that were created in one second the one that was issued last is the newest, in any order', () => {
  const secrets = [1, 2, 3].map((number) =>
    secret({ name: `s${number}`, labels: { name: 'a', 'issued-at-time': String(number) } }),
  );
  fc.assert(
    fc.property(fc.shuffledSubarray(secrets, { minLength: 3 }), (shuffled) => {
      assert.equal(newestFirst(shuffled)[0]?.name, 's3');
    }),
  );
});
