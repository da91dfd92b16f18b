import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { identityTokenCredential, passwordCredential } from './credential.ts';
import { dockerConfigCredential } from './docker-config.ts';

function find(auths: unknown, upstream = 'r.example', remoteURL = `https://${upstream}`) {
  return dockerConfigCredential(JSON.stringify({ auths }), upstream, remoteURL);
}

const encoded = (text: string): string => Buffer.from(text).toString('base64');

describe('dockerConfigCredential', () => {
  it('reads username and password, auth, and an identity token before both', () => {
    const expected = passwordCredential('u', 'p:w');
    assert.deepEqual(find({ 'r.example': { username: 'u', password: 'p:w' } }), expected);
    assert.deepEqual(find({ 'r.example': { auth: encoded('u:p:w') } }), expected);
    assert.deepEqual(find({ 'r.example': { auth: encoded('u:p:w\0\0') } }), expected);
    assert.deepEqual(
      find({ 'r.example': { auth: encoded('u:p'), identitytoken: 't' } }),
      identityTokenCredential('t'),
    );
  });

  it('looks for the upstream, then for the host of its URL, under any scheme and path', () => {
    const [own, host] = [{ auth: encoded('own:p') }, { auth: encoded('host:p') }];
    const names = ['mirror', 'https://mirror.example:5000'] as const;
    assert.deepEqual(
      find({ 'mirror.example:5000': host, mirror: own }, ...names),
      passwordCredential('own', 'p'),
    );
    assert.deepEqual(
      find({ 'https://mirror.example:5000/v1/': host }, ...names),
      passwordCredential('host', 'p'),
    );
    assert.equal(find({ 'mirror.example': host }, ...names), undefined);
  });

  it('knows Docker Hub by all its names, and nothing else by them', () => {
    for (const key of [
      'docker.io',
      'https://index.docker.io/v1/',
      'index.docker.io',
      'registry-1.docker.io',
    ]) {
      const auths = { [key]: { auth: encoded('u:p') } };
      assert.deepEqual(
        find(auths, 'docker.io', 'https://registry-1.docker.io'),
        passwordCredential('u', 'p'),
        key,
      );
      assert.equal(find(auths), undefined);
    }
  });

  it('passes over entries without a usable login', () => {
    for (const entry of [
      {},
      { auth: '' },
      { auth: encoded(':p') },
      { auth: encoded('u:') },
      { username: 'u' },
      'junk',
      null,
    ]) {
      assert.equal(find({ 'r.example': entry }), undefined);
    }
  });

  it('refuses other content without repeating any of it', () => {
    const isQuiet = (error: Error): boolean => !error.message.includes('hush');
    for (const content of ['hush', '{"hush":1}', '{"auths":"hush"}', '[]']) {
      assert.throws(() => dockerConfigCredential(content, 'r.example', 'https://r.example'), isQuiet);
    }
    fc.assert(
      fc.property(fc.json(), (content) => {
        try {
          dockerConfigCredential(content, 'r.example', 'https://r.example');
        } catch (error) {
          assert.match((error as Error).message, /^expected a Docker configuration/);
        }
      }),
    );
  });
});
