import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createProxyChoice, type Environment } from './proxy.ts';

/** The proxy's URL for `url`, or undefined. */
function proxyFor(url: string, env: Environment, settings = {}): string | undefined {
  return createProxyChoice(settings, env)(new URL(url))?.href;
}

describe('createProxyChoice', () => {
  it('goes by the scheme, upper case before lower case, settings before both', () => {
    const env = { HTTPS_PROXY: 'http://s:1', https_proxy: 'http://low:1', http_proxy: 'http://h:1' };
    assert.equal(proxyFor('https://r.example/', env), 'http://s:1/');
    assert.equal(proxyFor('http://r.example/', env), 'http://h:1/');
    assert.equal(proxyFor('https://r.example/', env, { httpsProxy: 'https://set:1' }), 'https://set:1/');
    assert.equal(proxyFor('https://r.example/', { HTTP_PROXY: 'http://h:1' }), undefined);
  });

  it('takes an address without a scheme for one of an http proxy, and names no password of one it cannot read', () => {
    assert.equal(
      proxyFor('https://r.example/', { HTTPS_PROXY: 'proxy.example:3128' }),
      'http://proxy.example:3128/',
    );
    assert.throws(() => proxyFor('https://r.example/', { HTTPS_PROXY: 'http://u:hush@[' }), {
      code: 'CONFIG_INVALID',
      message: /^[^]*$(?<!hush[^]*)/,
    });
  });

  it('leaves out what NO_PROXY names, by name, domain, port, address and network', () => {
    const exempt = (noProxy: string, url: string): boolean =>
      proxyFor(url, { HTTPS_PROXY: 'http://p:1', NO_PROXY: noProxy }) === undefined;
    for (const [noProxy, url] of [
      ['*', 'https://any.example/'],
      ['r.example', 'https://r.example/'],
      ['R.example', 'https://r.example/'],
      ['example', 'https://r.example/'],
      ['.example', 'https://r.example/'],
      ['*.example', 'https://r.example/'],
      ['a, r.example:443', 'https://r.example/'],
      ['r.example:8443', 'https://r.example:8443/'],
      ['10.1.2.3', 'https://10.1.2.3/'],
      ['10.0.0.0/8', 'https://10.1.2.3/'],
      ['fd00::/8', 'https://[fd00::1]/'],
      ['fd00::1', 'https://[fd00::1]/'],
    ] as const) {
      assert.ok(exempt(noProxy, url), `${url} by ${noProxy}`);
    }
    for (const [noProxy, url] of [
      ['', 'https://r.example/'],
      ['.r.example', 'https://r.example/'],
      ['r.example:8443', 'https://r.example/'],
      ['xample', 'https://r.example/'],
      ['10.0.0.0/8', 'https://11.1.2.3/'],
      ['10.0.0.0/99', 'https://10.1.2.3/'],
    ] as const) {
      assert.ok(!exempt(noProxy, url), `${url} by ${noProxy}`);
    }
  });

  it('never asks a proxy for this machine', () => {
    const env = { HTTP_PROXY: 'http://p:1' };
    for (const url of ['http://127.0.0.1:5000/', 'http://localhost/', 'http://[::1]/']) {
      assert.equal(proxyFor(url, env), undefined);
    }
  });

  it('takes any NO_PROXY', () => {
    fc.assert(
      fc.property(fc.string(), (noProxy) => {
        proxyFor('https://r.example/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: noProxy });
      }),
    );
  });
});
