import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatChallenge, parseChallenges } from './challenge.ts';

function parsed(...lines: string[]): unknown[] {
  return parseChallenges(lines).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe('parseChallenges', () => {
  it('reads a quoted Bearer challenge, commas inside the scope included', () => {
    assert.deepEqual(
      parsed(
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      ),
      [
        [
          'bearer',
          {
            realm: 'https://auth.docker.io/token',
            service: 'registry.docker.io',
            scope: 'repository:a/b:pull,push',
          },
        ],
      ],
    );
  });

  it('reads unquoted values beyond colons and slashes', () => {
    assert.deepEqual(parsed('Bearer realm=https://r.example/token?x=1, service=r.example'), [
      ['bearer', { realm: 'https://r.example/token?x=1', service: 'r.example' }],
    ]);
  });

  it('reads several challenges on one line and on several lines', () => {
    const basic = ['basic', { realm: 'harbor' }];
    const bearer = ['bearer', { realm: 'https://r/t', service: 's' }];
    assert.deepEqual(parsed('Basic realm="harbor", Bearer realm="https://r/t",service="s"'), [basic, bearer]);
    assert.deepEqual(parsed('Bearer realm="https://r/t",service="s"', 'Basic realm="harbor"'), [
      bearer,
      basic,
    ]);
  });

  it('steps over schemes that carry a blob or nothing', () => {
    assert.deepEqual(parsed('Negotiate, NTLM abc/+==, Basic realm="x"'), [
      ['negotiate', {}],
      ['ntlm', {}],
      ['basic', { realm: 'x' }],
    ]);
  });

  it('knows names and schemes in any case, and spaces around the equals sign', () => {
    assert.deepEqual(parsed('BEARER Realm = "https://r/t" ,\tSERVICE=s'), [
      ['bearer', { realm: 'https://r/t', service: 's' }],
    ]);
  });

  it('undoes escapes, takes the first of two equal names, and reads an unclosed quote to the end', () => {
    assert.deepEqual(parsed('Basic realm="a \\"b\\" \\\\",realm="second"'), [
      ['basic', { realm: 'a "b" \\' }],
    ]);
    assert.deepEqual(parsed('Basic realm="never closed, really'), [
      ['basic', { realm: 'never closed, really' }],
    ]);
  });

  it('never throws, whatever the lines hold', () => {
    const scrap = fc.constantFrom(
      'Bearer ',
      'Basic',
      'realm',
      '=',
      '"',
      '\\',
      ',',
      ' ',
      '\t',
      'https://x/y',
      '==',
      '\u0000',
      'é',
    );
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(scrap).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        for (const challenge of parseChallenges(lines)) assert.notEqual(challenge.scheme, '');
      }),
    );
  });
});

describe('formatChallenge', () => {
  it('quotes every value', () => {
    const [challenge] = parseChallenges(['bearer realm=https://r/t,service=s']);
    assert.ok(challenge);
    assert.equal(formatChallenge(challenge), 'Bearer realm="https://r/t",service="s"');
  });

  it('gives what parseChallenges reads back, alone and joined with others', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
    const parameters = fc
      .uniqueArray(fc.tuple(token, fc.stringMatching(/^[\x20-\x7e]{0,30}$/)), {
        selector: ([name]) => name,
        minLength: 1,
      })
      .map((entries) => new Map(entries));
    const challenge = fc.record({ scheme: token, parameters }, { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(challenge, { minLength: 1, maxLength: 3 }), (challenges) => {
        const lines = challenges.map(formatChallenge);
        assert.deepEqual(parseChallenges(lines), challenges);
        assert.deepEqual(parseChallenges([lines.join(', ')]), challenges);
      }),
    );
  });

  it('cannot be made to break out of its line', () => {
    const line = formatChallenge({
      scheme: 'basic',
      parameters: new Map([['realm', 'a\r\nset-cookie: x\u{1F600}']]),
    });
    assert.equal(line, 'Basic realm="aset-cookie: x"');
  });
});
