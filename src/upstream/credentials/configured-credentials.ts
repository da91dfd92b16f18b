import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { CloudProvider } from '../../api/registry-config/schema.ts';
import type { Credential, Credentials } from './credential.ts';
import { repositoryGlob } from './repository-glob.ts';

/** What a cache's configuration says of logins (design, section 4). */
export type CredentialSettings = Pick<CacheConfig, 'secretReferenceName' | 'provider' | 'credentials'>;

/** A login that does not depend on the repository. */
export type CredentialSource = (signal: AbortSignal, refused?: Credential) => ReturnType<Credentials>;

export interface CredentialSources {
  readonly secret: (name: string) => CredentialSource;
  /** Asked once for each provider that a cache names. */
  readonly cloudLogin: (provider: CloudProvider) => CredentialSource;
}

/**
 * The {@link Credentials} of one cache: the first entry of `credentials[]` with a glob that fits, else the login for all of
 * it, else none.
 */
export function createConfiguredCredentials(
  cache: CredentialSettings,
  sources: CredentialSources,
): Credentials {
  const cloudLogins = new Map<CloudProvider, CredentialSource>();

  function cloudLogin(provider: CloudProvider): CredentialSource {
    const login = cloudLogins.get(provider) ?? sources.cloudLogin(provider);
    cloudLogins.set(provider, login);
    return login;
  }

  function sourceOf({
    provider,
    secretReferenceName,
  }: Pick<CredentialSettings, 'provider' | 'secretReferenceName'>): CredentialSource {
    if (provider !== undefined) return cloudLogin(provider);
    return secretReferenceName === undefined ? () => undefined : sources.secret(secretReferenceName);
  }

  const forAll = sourceOf(cache);
  const choices = cache.credentials.map((entry) => ({
    globs: entry.repositories.map(repositoryGlob),
    source: sourceOf(entry),
  }));
  return (repository, signal, refused) => {
    const choice = repository && choices.find(({ globs }) => globs.some((fits) => fits(repository)));
    return (choice?.source ?? forAll)(signal, refused);
  };
}
