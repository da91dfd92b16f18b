import { loginSecretProblems } from '../../api/secrets/login-secret-rules.ts';
import { withoutLineEnd } from '../../api/secrets/secret-files.ts';
import type { ObjectKey } from '../../kube/types.ts';
import type { Secret } from '../cluster/resources.ts';
import { notFound } from './not-found.ts';
import { textAt } from './text-at.ts';

/** What is wrong with a login, a sentence each; names of Secrets and entries, never contents. */
export interface LoginProblems {
  /** Why it cannot be used. */
  readonly missing: readonly string[];
  /** What is wrong with one that is used nevertheless. */
  readonly invalid: readonly string[];
}

/** The key of a service account may have any number of forbidden fields. */
const MOST_TOLD = 5;

/**
 * Judges the login in a Secret: it can be used as the cache says, by its name and password or else as an imagePullSecret; and what the
 * Gardener extension would refuse of a name and password is told in its words. That a Secret should be immutable, or have no other
 * entries, is no rule here: Secrets of a plain cluster are somebody else's as well. `data` is undefined where there is no Secret.
 */
export function loginProblems(key: ObjectKey, data: Secret['data']): LoginProblems {
  if (data === undefined) return { missing: [notFound(key, 'secretReferenceName')], invalid: [] };
  const login = { username: entry(data, 'username'), password: entry(data, 'password') };
  const problems = loginSecretProblems(login, `${key.namespace}/${key.name}`).slice(0, MOST_TOLD);
  if (login.username && login.password) return { missing: [], invalid: problems };
  return { missing: textAt(data, '.dockerconfigjson') ? [] : problems, invalid: [] };
}

/** As the cache reads it from a file. */
function entry(data: NonNullable<Secret['data']>, key: string): string | undefined {
  const text = textAt(data, key);
  return text === undefined ? undefined : withoutLineEnd(text);
}
