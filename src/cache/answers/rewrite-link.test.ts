import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { targetOf } from '../../../test/cache/target.ts';
import { nextLink } from '../../oci/link.ts';
import { rewriteLink } from './rewrite-link.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const target = targetOf();

/** The target of the link that a client gets. */
function rewritten(link: string, of = target, list = 'tags/list'): string | undefined {
  return nextLink(rewriteLink(`<${link}>; rel="next"`, of, list));
}

describe('the link to the next page', () => {
  test('is relative to this cache, however the upstream writes it', () => {
    for (const link of [
      '/v2/team/app/tags/list?last=b&n=2',
      'https://r.example/v2/team/app/tags/list?last=b&n=2',
      'list?last=b&n=2',
      '?last=b&n=2',
    ]) {
      assert.equal(rewritten(link), '/v2/team/app/tags/list?last=b&n=2', link);
    }
    assert.equal(
      rewritten(`/v2/team/app/referrers/${DIGEST}?page=2`, target, `referrers/${DIGEST}`),
      `/v2/team/app/referrers/${DIGEST}?page=2`,
    );
    assert.equal(
      rewritten('?page=2', target, `referrers/${DIGEST}`),
      `/v2/team/app/referrers/${DIGEST}?page=2`,
    );
  });

  test('has the name and ns that the client used', () => {
    const aliased = targetOf(
      undefined,
      { upstream: 'docker.io', remoteURL: 'https://registry-1.docker.io' },
      'docker.io/alpine',
      'docker.io',
    );
    assert.equal(
      rewritten('/v2/library/alpine/tags/list?last=b', aliased),
      '/v2/docker.io/alpine/tags/list?last=b&ns=docker.io',
    );
  });

  test('may have the scheme of a registry that does not know about the TLS proxy in front of it', () => {
    assert.equal(rewritten('http://r.example/v2/team/app/tags/list?last=b'), '/v2/team/app/tags/list?last=b');
  });

  test('is left out when there is none, or none for the next page', () => {
    assert.equal(rewriteLink('', target, 'tags/list'), undefined);
    assert.equal(rewriteLink('</v2/team/app/tags/list>; rel="prev"', target, 'tags/list'), undefined);
  });
});

describe('a link that leads elsewhere is left out', () => {
  for (const link of [
    'https://evil.example/v2/team/app/tags/list',
    'https://r.example:444/v2/team/app/tags/list',
    '//evil.example/v2/team/app/tags/list',
    '/v2/team/other/tags/list',
    '/v2/team/app/../other/tags/list',
    '/v2/team/app/%2e%2e/other/tags/list',
    '/v2/team/app/blobs/x',
    '/v2/team/app/tags/list/more',
    '/token?scope=x',
    'javascript:alert(1)',
    'https://[',
  ]) {
    test(link, () => assert.equal(rewritten(link), undefined));
  }
});

test('whatever an upstream sends, a client is led to the lists of the same repository here or nowhere', () => {
  const scrap = fc.constantFrom(
    '/',
    '..',
    '%2e%2e',
    'v2',
    'team',
    'app',
    'other',
    'tags',
    'list',
    'referrers',
    '?',
    '#',
    'last=x',
    '//evil.example',
    'https://',
    'r.example',
    '\\',
    '@',
    ':',
    '%0d%0a',
  );
  const link = fc.oneof(
    fc.array(scrap, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.webUrl({ withQueryParameters: true }),
    fc.array(scrap, { maxLength: 6 }).map((parts) => `/v2/team/app/${parts.join('')}`),
  );
  fc.assert(
    fc.property(link, (text) => {
      const header = rewriteLink(`<${text}>; rel="next"`, target, 'tags/list');
      if (header === undefined) return;
      assert.match(header, /^<\/v2\/team\/app\/(tags\/list|referrers\/[^<>\s?]*)(\?[^<>\s]*)?>; rel="next"$/);
      const seen = new URL(nextLink(header) ?? '', 'http://cache.example');
      assert.equal(seen.host, 'cache.example');
      assert.ok(seen.pathname.startsWith('/v2/team/app/'));
    }),
    { numRuns: 500 },
  );
});
