import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatNextLink, nextLink, parseLinks } from './link.ts';

describe('nextLink', () => {
  it('finds the next page, quoted or not, relative or absolute', () => {
    assert.equal(nextLink('</v2/a/tags/list?n=2&last=b>; rel="next"'), '/v2/a/tags/list?n=2&last=b');
    assert.equal(
      nextLink('<https://r.example/v2/a/tags/list?last=b>;rel=next'),
      'https://r.example/v2/a/tags/list?last=b',
    );
  });

  it('picks it among other links and relations', () => {
    const header = '<a,b;c>; rel="first prev"; title="x; rel=\\"next\\", <y>", <d>; title=z; REL="last NEXT"';
    assert.equal(nextLink(header), 'd');
  });

  it('gives nothing on the last page', () => {
    assert.equal(nextLink(undefined), undefined);
    assert.equal(nextLink('<a>; rel="prev"'), undefined);
    assert.equal(nextLink('a; rel="next"'), undefined);
  });

  it('gives back the target that formatNextLink wrote', () => {
    const target = fc.webPath().map((path) => `/v2${path}`);
    fc.assert(fc.property(target, (path) => assert.equal(nextLink(formatNextLink(path)), path)));
  });
});

describe('parseLinks', () => {
  it('never throws, whatever the header holds', () => {
    const scrap = fc.constantFrom('<', '>', ';', 'rel', '=', '"', '\\', ',', ' ', 'next', 'https://x/y');
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(scrap).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(header, (text) => {
        for (const link of parseLinks(text)) assert.ok(text.includes(link.target));
      }),
    );
  });
});
