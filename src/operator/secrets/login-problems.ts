import { loginSecretProblems } from '../../api/secrets/login-secret-rules.ts';
import { withoutLineEnd } from '../../api/secrets/secret-files.ts';
import type { ObjectKey } from '../../kube/types.ts';
import type { Secret } from '../cluster/resources.ts';
import { secretNotFound, secretText } from './secret-text.ts';

/** Problems of a login, a sentence each. They name Secrets and entries, never contents. */
export interface LoginProblems {
  /** Reasons why the login cannot be used. */
  readonly missing: readonly string[];
  /** Problems of a login that is used nevertheless. */
  readonly invalid: readonly string[];
}

/** Most problems that are reported. The key of a service account may have any number of forbidden fields. */
const MOST_PROBLEMS = 5;

/**
 * Checks the login in a Secret. The cache can use it if it has a username and password, or else if it is an imagePullSecret. Problems that
 * the Gardener extension would refuse are reported in its words. The extension also requires the Secret to be immutable and to have no other
 * entries. Larder does not, because in a plain cluster other programs use the same Secret. `data` is undefined if the Secret does not exist.
 */
export function loginProblems(key: ObjectKey, data: Secret['data']): LoginProblems {
  if (data === undefined) return { missing: [secretNotFound(key, 'secretReferenceName')], invalid: [] };
  const login = { username: entry(data, 'username'), password: entry(data, 'password') };
  const problems = loginSecretProblems(login, `${key.namespace}/${key.name}`).slice(0, MOST_PROBLEMS);
  if (login.username && login.password) return { missing: [], invalid: problems };
  return { missing: secretText(data, '.dockerconfigjson') ? [] : problems, invalid: [] };
}

/** Reads an entry as the cache reads the file: without a line end. */
function entry(data: NonNullable<Secret['data']>, key: string): string | undefined {
  const text = secretText(data, key);
  return text === undefined ? undefined : withoutLineEnd(text);
}
