import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { repositoryGlob } from './repository-glob.ts';

describe('repositoryGlob', () => {
  it('keeps * within a path component and lets ** cross them', () => {
    const cases: [glob: string, fits: string[], not: string[]][] = [
      ['team/app', ['team/app'], ['team/app2', 'team/app/x', 'xteam/app']],
      ['team/*', ['team/app', 'team/'], ['team/app/sub', 'team']],
      ['team/**', ['team/app', 'team/app/sub'], ['team', 'other/app']],
      ['*/app', ['team/app'], ['a/b/app', 'app']],
      ['**/app', ['team/app', 'a/b/app'], ['app', 'team/app2']],
      ['app-*-x', ['app-1-x', 'app--x'], ['app-1', 'app-a/b-x']],
      ['**', ['a', 'a/b/c'], []],
      ['a.b', ['a.b'], ['aXb']],
    ];
    for (const [glob, fits, not] of cases) {
      const test = repositoryGlob(glob);
      for (const name of fits) assert.ok(test(name), `${name} by ${glob}`);
      for (const name of not) assert.ok(!test(name), `${name} by ${glob}`);
    }
  });

  it('without a star fits itself and nothing else', () => {
    const text = fc.string().map((value) => value.replaceAll('*', ''));
    fc.assert(
      fc.property(text, text, (glob, name) => {
        assert.ok(repositoryGlob(glob)(glob));
        assert.equal(repositoryGlob(glob)(name), glob === name);
      }),
    );
  });

  it('fits what its stars are replaced by', () => {
    const literal = fc.stringMatching(/^[a-z0-9/._-]{0,6}$/);
    const component = fc.stringMatching(/^[a-z0-9._-]{0,6}$/);
    const part = fc.oneof(
      literal.map((value) => [value, value] as const),
      component.map((value) => ['*', value] as const),
      literal.map((value) => ['**', value] as const),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const glob = parts.map(([pattern]) => pattern).join('');
        assert.ok(repositoryGlob(glob)(parts.map(([, value]) => value).join('')));
      }),
    );
  });
});
