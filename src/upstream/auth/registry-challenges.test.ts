import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatChallenge, parseChallenges } from '../../oci/challenge.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import { createChallengeMemory } from './registry-challenges.ts';

const [a, b] = [parseRepositoryName('team/a'), parseRepositoryName('team/b')];

describe('the challenge memory', () => {
  it('expects of another repository what one was challenged with, under its own name', () => {
    const memory = createChallengeMemory();
    assert.equal(memory.expected(b), undefined);
    memory.learn(
      a,
      401,
      parseChallenges(['Bearer realm="https://r/t",service="s",scope="repository:team/a:pull"']),
    );
    assert.deepEqual(memory.expected(b)?.map(formatChallenge), [
      'Bearer realm="https://r/t",service="s",scope="repository:team/b:pull"',
    ]);
  });

  it('leaves a scope alone that names no repository', () => {
    const memory = createChallengeMemory();
    memory.learn(a, 401, parseChallenges(['Bearer realm="https://r/t",scope="aws"']));
    assert.deepEqual(memory.expected(b)?.map(formatChallenge), ['Bearer realm="https://r/t",scope="aws"']);
  });

  it('remembers each repository by itself, also that it asked for nothing', () => {
    const memory = createChallengeMemory();
    memory.learn(a, 200, []);
    memory.learn(b, 401, parseChallenges(['Basic realm="r"']));
    assert.deepEqual(memory.expected(a), []);
    assert.deepEqual(memory.expected(b)?.map(formatChallenge), ['Basic realm="r"']);
  });

  it('learns nothing from a refusal that names no challenge', () => {
    const memory = createChallengeMemory();
    for (const status of [401, 403, 404, 429, 503]) memory.learn(a, status, []);
    assert.equal(memory.expected(a), undefined);
    memory.learn(a, 401, parseChallenges(['Basic realm="r"']));
    memory.learn(a, 429, []);
    assert.deepEqual(memory.expected(a)?.map(formatChallenge), ['Basic realm="r"']);
  });

  it('expects nothing from what a ping was answered, and forgets what was said about a token', () => {
    const memory = createChallengeMemory();
    memory.learn(undefined, 401, parseChallenges(['Bearer realm="https://r/ping"']));
    assert.equal(memory.expected(a), undefined);
    memory.learn(
      a,
      401,
      parseChallenges(['Bearer realm="https://r/t",error="invalid_token",error_description="old"']),
    );
    assert.deepEqual(memory.expected(a)?.map(formatChallenge), ['Bearer realm="https://r/t"']);
  });
});
