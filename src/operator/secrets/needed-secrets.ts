import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { secretNames } from '../render/secret-object.ts';
import { bundleProblem } from './bundle-problems.ts';
import { loginProblems, type LoginProblems } from './login-problems.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';

/** The Secrets of one cache, and the problems of all its logins together. */
export interface NeededSecrets extends LoginProblems {
  /** Entries of each existing Secret, by its name. */
  readonly contents: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Reason why the CA bundle cannot be used. Undefined if it can, or none is configured. */
  readonly caBundleProblem: string | undefined;
}

/** Reads the Secrets of a cache in `namespace`, which is that of its owner. */
export async function readNeededSecrets(
  secrets: NamedSecrets,
  cache: CacheConfig,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<NeededSecrets> {
  const contents = new Map<string, Readonly<Record<string, string>>>();
  for (const name of secretNames(cache)) {
    const secret = await secrets.read({ namespace, name }, signal);
    if (secret !== undefined) contents.set(name, secret.data ?? {});
  }
  const problems = credentialNames(cache).map((name) =>
    loginProblems({ namespace, name }, contents.get(name)),
  );
  const bundle = cache.caBundleSecretReferenceName;
  return {
    contents,
    missing: problems.flatMap(({ missing }) => missing),
    invalid: problems.flatMap(({ invalid }) => invalid),
    caBundleProblem:
      bundle === undefined ? undefined : bundleProblem({ namespace, name: bundle }, contents.get(bundle)),
  };
}

function credentialNames({ secretReferenceName, credentials }: CacheConfig): string[] {
  const names = [secretReferenceName, ...credentials.map((one) => one.secretReferenceName)];
  return [...new Set(names.filter((name) => name !== undefined))];
}
