import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redactUrl } from './redact.ts';

test('keeps scheme, host, port and path', () => {
  assert.equal(
    redactUrl('https://cdn.example:8443/blobs/ab?X-Signature=secret'),
    'https://cdn.example:8443/blobs/ab',
  );
  assert.equal(redactUrl(new URL('http://user:password@r.example/token#t')), 'http://r.example/token');
});

test('says nothing of what is no URL', () => {
  assert.equal(redactUrl('//user:secret@nowhere'), '<unparsable URL>');
});

test('never shows user, password, query or fragment', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9]{8,20}$/).map((text) => `SECRET${text}`);
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: false }), word, word, (url, secret, user) => {
      const full = new URL(url);
      full.username = user;
      full.password = secret;
      full.search = `?token=${secret}`;
      full.hash = secret;
      assert.doesNotMatch(redactUrl(full.href), /SECRET/);
    }),
  );
});
