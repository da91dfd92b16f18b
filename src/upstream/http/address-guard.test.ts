import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { LookupAddress } from 'node:dns';
import { createAddressGuard, type AddressGuard } from './address-guard.ts';

const NAMES: Record<string, readonly string[]> = {
  'public.example': ['192.0.2.7'],
  'private.example': ['10.0.0.7'],
  'loopback.example': ['127.0.0.1'],
  'mixed.example': ['10.0.0.7', '192.0.2.7'],
  'metadata.example': ['169.254.169.254'],
};

async function resolve(name: string): Promise<LookupAddress[]> {
  return (NAMES[name] ?? [name]).map((address) => ({ address, family: 4 }));
}

/** The addresses a socket would try, or the error's code. */
async function lookup(guard: AddressGuard, name: string): Promise<string[] | string> {
  const all = promisify((callback: (error: Error | null, found: string | LookupAddress[]) => void) =>
    guard.lookup(name, { all: true }, callback),
  );
  try {
    return ((await all()) as LookupAddress[]).map(({ address }) => address);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** A guard that has connected to its upstream. */
async function guardOf(url: string): Promise<AddressGuard> {
  const remote = new URL(url);
  const guard = createAddressGuard(remote, resolve);
  await lookup(guard, remote.hostname);
  return guard;
}

const FORBIDDEN = 'UPSTREAM_FORBIDDEN_ADDRESS';

describe('the address guard', () => {
  it('always resolves the upstream itself', async () => {
    for (const name of ['public.example', 'private.example', 'loopback.example', 'metadata.example']) {
      const guard = await guardOf(`https://${name}`);
      assert.deepEqual(await lookup(guard, name), NAMES[name]);
    }
  });

  it('lets an upstream name hosts that are no further inside than itself', async () => {
    const reachable = {
      'https://public.example': ['public.example'],
      'https://private.example': ['public.example', 'private.example'],
      'https://loopback.example': ['public.example', 'private.example', 'loopback.example'],
      'https://127.0.0.1:5000': ['public.example', 'private.example', 'loopback.example'],
      'https://mixed.example': ['public.example'],
      'https://metadata.example': ['public.example', 'metadata.example'],
    };
    for (const [url, allowed] of Object.entries(reachable)) {
      const guard = await guardOf(url);
      for (const name of ['public.example', 'private.example', 'loopback.example', 'metadata.example']) {
        const expected = allowed.includes(name) ? NAMES[name] : FORBIDDEN;
        assert.deepEqual(await lookup(guard, name), expected, `${name} named by ${url}`);
      }
    }
  });

  it('leaves the forbidden addresses of a name out', async () => {
    const guard = await guardOf('https://public.example');
    assert.deepEqual(await lookup(guard, 'mixed.example'), ['192.0.2.7']);
  });

  it('refuses literal addresses without resolving, and http for an https upstream', async () => {
    const guard = await guardOf('https://public.example');
    for (const url of [
      'http://public.example/',
      'https://127.0.0.1/',
      'https://localhost/',
      'https://[::ffff:10.0.0.1]/',
      'ftp://a/',
    ]) {
      assert.throws(() => guard.check(new URL(url), 'redirect target'), { code: FORBIDDEN }, url);
    }
    guard.check(new URL('https://elsewhere.example/'), 'redirect target');
    const plain = await guardOf('http://public.example');
    plain.check(new URL('http://elsewhere.example/'), 'redirect target');
    plain.check(new URL('https://elsewhere.example/'), 'redirect target');
  });

  it('resolves a name once for all who ask at the same time', async () => {
    let count = 0;
    const guard = createAddressGuard(new URL('https://public.example'), (name) => {
      count += 1;
      return resolve(name);
    });
    await Promise.all(Array.from({ length: 20 }, () => lookup(guard, 'public.example')));
    assert.equal(count, 1);
  });
});
