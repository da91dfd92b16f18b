import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { CloudProvider } from '../../api/registry-config/schema.ts';
import type { Credential, Credentials } from './credential.ts';
import { repositoryGlob } from './repository-glob.ts';

/** The fields of a cache's configuration that choose credentials (docs/reference/configuration.md). */
export type CredentialSettings = Pick<CacheConfig, 'secretReferenceName' | 'provider' | 'credentials'>;

/** Gives a credential that does not depend on the repository. */
export type CredentialSource = (signal: AbortSignal, refused?: Credential) => ReturnType<Credentials>;

export interface CredentialSources {
  readonly secret: (name: string) => CredentialSource;
  /** Called once for each provider that a cache names. */
  readonly cloudLogin: (provider: CloudProvider) => CredentialSource;
}

/**
 * The {@link Credentials} of one cache: those of the first entry of `credentials[]` with a glob that matches the repository, else
 * those of the whole cache, else none.
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
    const choice = repository && choices.find(({ globs }) => globs.some((matches) => matches(repository)));
    return (choice?.source ?? forAll)(signal, refused);
  };
}
