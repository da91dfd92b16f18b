/**
 * The file format of the one Secret that the operator mounts into a cache's pod. It holds the entries of all Secrets that the
 * cache's configuration names, each as a file `<name>.<key>`. `larder serve --secrets` reads such files as well.
 */

/** The keys that a cache reads of a Secret with a login. */
export const LOGIN_KEYS = ['username', 'password', '.dockerconfigjson'] as const;
/** The keys that a cache reads of a Secret with a CA bundle. */
export const BUNDLE_KEYS = ['bundle.crt'] as const;
/** All keys that a cache reads. None ends with a dot and another key, so a file name has one meaning. */
export const SECRET_KEYS = [...LOGIN_KEYS, ...BUNDLE_KEYS] as const;

/**
 * The name under which an operator mounts the CA certificates that all of its caches trust, as `_trusted.bundle.crt`. No Secret of a cluster can
 * have it.
 */
export const TRUSTED_CA = '_trusted';

export type SecretKey = (typeof SECRET_KEYS)[number];

/** The file that holds `key` of the Secret `name`. */
export function fileNameOf(name: string, key: SecretKey): string {
  return `${name}.${key}`;
}

/** Inverts {@link fileNameOf}; undefined for any other file name. */
export function parseFileName(fileName: string): { name: string; key: SecretKey } | undefined {
  const key = SECRET_KEYS.find((one) => fileName.endsWith(`.${one}`));
  const name = key === undefined ? '' : fileName.slice(0, -key.length - 1);
  return key === undefined || name === '' ? undefined : { name, key };
}

/**
 * Removes one line break at the end. Editors and `echo` end files with one, and it belongs to neither a name nor a password.
 * Other white space does.
 */
export function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
