import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import { createKeyRing } from './key-ring.ts';
import type { TokenContents } from './token-contents.ts';
import { createTokenSeal } from './token-seal.ts';

const CONTENTS: TokenContents = {
  grants: [
    {
      upstream: 'ghcr.io',
      repositories: [parseRepositoryName('team/app')],
      account: 'credential-7',
      authorization: 'Bearer upstream-token-8',
    },
    { upstream: 'quay.io', repositories: [parseRepositoryName('o/i')], account: 'credential-7', grace: true },
  ],
};

function setting() {
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00.600Z'));
  const store = new MemoryStore();
  let finds = 0;
  const keys = createKeyRing({ store, clock, logger: silentLogger });
  const counted = {
    current: () => keys.current(),
    find: (id: string) => ((finds += 1), keys.find(id)),
  };
  return { clock, store, seal: createTokenSeal(counted, clock), finds: () => finds };
}

suite('a sealed token', () => {
  test('opens to what was sealed, and shows nothing of it', async () => {
    const { seal } = setting();
    const { token } = await seal.seal(CONTENTS, 60_000);
    assert.deepEqual(await seal.open(token), CONTENTS);
    const shown = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
    for (const secret of ['upstream-token-8', 'credential-7', 'team/app', 'ghcr.io'])
      assert.ok(!shown.join('\n').includes(secret) && !token.includes(secret), secret);
    const other = await seal.seal(CONTENTS, 60_000);
    assert.notEqual(other.token, token);
  });

  test('is distinguished from tokens of upstreams by its form: no key is looked up', async () => {
    const { seal, finds } = setting();
    const part = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'x' })).toString('base64url');
    for (const token of [
      'opaque',
      `${part}.${part}.c2ln`,
      `${part}.key.iv.text.tag`,
      `${part}..iv.text`,
      '....',
    ])
      assert.equal(await seal.open(token), undefined, token);
    assert.equal(finds(), 0);
    assert.equal(await seal.open(`${part}..aXY.dGV4dA.dGFn`), undefined);
  });

  test('lives as long as it says, and not longer', async () => {
    const { seal, clock } = setting();
    const { token, expiresInSeconds, issuedAt } = await seal.seal({ grants: 'anonymous' }, 90_700);
    assert.equal(expiresInSeconds, 90);
    assert.equal(issuedAt, Math.floor(clock.now() / 1000));
    clock.advance(89_000);
    assert.deepEqual(await seal.open(token), { grants: 'anonymous' });
    clock.advance(1_000);
    assert.equal(await seal.open(token), undefined);
    assert.equal(
      (await seal.open((await seal.seal(CONTENTS, 0)).token)) !== undefined,
      true,
      'a second at least',
    );
  });

  test('is decrypted once for all requests of a pull', async () => {
    const { seal, finds } = setting();
    const { token } = await seal.seal(CONTENTS, 60_000);
    for (let count = 0; count < 100; count += 1) await seal.open(token);
    assert.equal(finds(), 1);
  });

  test('of another key, a changed token, and any other text do not open', async () => {
    const { seal } = setting();
    const { token } = await seal.seal(CONTENTS, 60_000);
    const foreign = await setting().seal.seal(CONTENTS, 60_000);
    assert.equal(await seal.open(foreign.token), undefined);
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom('A', 'z', '.', '-'), async (at, letter) => {
        const changed = token.slice(0, at) + letter + token.slice(at + 1);
        // The last letter of a part has bits that mean nothing.
        const meansTheSame = changed
          .split('.')
          .every((part, index) => Buffer.from(part, 'base64url').equals(bytesOf(token, index)));
        assert.equal((await seal.open(changed)) === undefined, !meansTheSame || changed === '');
      }),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        assert.equal(await seal.open(text), undefined);
      }),
    );
  });

  test('that names no key, another algorithm, or no end does not open', async () => {
    const { seal } = setting();
    const { token } = await seal.seal(CONTENTS, 60_000);
    const header = (fields: object): string => Buffer.from(JSON.stringify(fields)).toString('base64url');
    for (const fields of [
      { alg: 'dir', enc: 'A256GCM' },
      { alg: 'none' },
      { alg: 'A256KW', enc: 'A256GCM', kid: 'x' },
    ])
      assert.equal(await seal.open([header(fields), ...token.split('.').slice(1)].join('.')), undefined);
  });
});

function bytesOf(token: string, part: number): Buffer {
  return Buffer.from(token.split('.')[part] ?? '', 'base64url');
}
