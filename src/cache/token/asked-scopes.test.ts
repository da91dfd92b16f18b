import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { configOf } from '../../../test/cache/target.ts';
import { fakeUpstream } from '../../../test/cache/fake-upstream.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import { createUpstreamTable } from '../upstreams.ts';
import { askedScopes } from './asked-scopes.ts';

const config = configOf({ upstream: 'docker.io' }, { upstream: 'ghcr.io' }, { upstream: 'localhost:5001' });
const table = createUpstreamTable(
  config.caches.map((cache) => ({
    name: cache.upstream,
    config: cache,
    client: fakeUpstream(() => assert.fail('a socket was opened'), cache.upstream),
  })),
  undefined,
);

/** Upstream and repository that these scopes name at `/token/<at>`. */
function meant(scopes: readonly string[], at = 'docker.io'): string[] {
  return askedScopes(scopes, (name) => table.destination(name, at)).map(
    ({ upstream, repository }) => `${upstream.name} ${repository}`,
  );
}

suite('the scopes of a token request', () => {
  for (const [scope, at, meaning] of [
    ['repository:alpine:pull', 'docker.io', 'docker.io library/alpine'],
    ['repository:docker.io/alpine:pull', 'ghcr.io', 'docker.io library/alpine'],
    ['repository:docker.io/library/alpine:pull', 'docker.io', 'docker.io library/alpine'],
    ['repository:o/i:pull', 'ghcr.io', 'ghcr.io o/i'],
    ['repository:alpine:pull', 'ghcr.io', 'ghcr.io alpine'],
    ['repository:ghcr.io/o/i:pull,push', 'docker.io', 'ghcr.io o/i'],
    ['repository:ghcr.io/o/i:*', 'docker.io', 'ghcr.io o/i'],
    ['repository(plugin):o/i:pull', 'docker.io', 'docker.io o/i'],
    ['repository:localhost:5001/o/i:pull', 'docker.io', 'localhost:5001 o/i'],
  ] as const) {
    test(`${scope} at /token/${at} is ${meaning}`, () => assert.deepEqual(meant([scope], at), [meaning]));
  }

  test('scopes that do not pull from a repository are ignored, and each name counts once', () => {
    assert.deepEqual(
      meant([
        'registry:catalog:*',
        'repository:o/i:push',
        'repository:o/i:delete',
        'aws',
        'repository:o/i:pull',
        'repository:o/i:pull',
      ]),
      ['docker.io o/i'],
    );
  });

  test('an invalid name and a flood of scopes are refused', () => {
    assert.throws(() => meant(['repository:UPPER/../x:pull']), { code: 'NAME_INVALID' });
    const many = (count: number) => Array.from({ length: count }, (_, n) => `repository:o/i${n}:pull`);
    assert.equal(meant(many(32)).length, 32);
    assert.throws(() => meant(many(33)), { code: 'REQUEST_INVALID' });
  });

  const component = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const name = fc
    .array(component, { minLength: 2, maxLength: 4 })
    .map((parts) => parts.join('/') as RepositoryName);

  test('a scope is understood as the path of a request with its name is', () => {
    fc.assert(
      fc.property(
        name,
        fc.constantFrom('', 'docker.io/', 'ghcr.io/', 'localhost:5001/'),
        (repository, alias) => {
          const target = table.destination(`${alias}${repository}`, 'docker.io');
          assert.deepEqual(meant([`repository:${alias}${repository}:pull`]), [
            `${target.upstream.name} ${target.repository}`,
          ]);
        },
      ),
    );
  });

  test('no scope reaches an upstream that is not configured, or fails other than by a refusal', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.string().map((text) => `repository:${text}:pull`),
          ),
        ),
        (scopes) => {
          try {
            for (const target of askedScopes(scopes, (text) => table.destination(text, 'docker.io')))
              assert.ok(table.all.includes(target.upstream));
          } catch (error) {
            assert.match((error as { code: string }).code, /^(NAME_INVALID|REQUEST_INVALID)$/);
          }
        },
      ),
    );
  });
});
