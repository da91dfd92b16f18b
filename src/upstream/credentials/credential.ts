import { createHash } from 'node:crypto';
import type { RepositoryName } from '../../oci/reference.ts';

/** A configured credential, or a caller's. */
export type Credential = {
  /** Names the credential without showing it: the key of tokens and rate limits. Each credential has another one. */
  readonly credentialId: string;
} & (
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token (`identitytoken` of a Docker configuration), good for token servers only. */
  | { readonly kind: 'identity-token'; readonly token: string }
);

/**
 * Gives the configured credential for a repository, or for a ping without repository; undefined where none is configured. `refused` is a
 * credential that the registry has just refused: the answer is another one if there is one, else the same.
 */
export type Credentials = (
  repository: RepositoryName | undefined,
  signal: AbortSignal,
  refused?: Credential,
) => Credential | undefined | Promise<Credential | undefined>;

export function passwordCredential(username: string, password: string): Credential {
  return {
    kind: 'password',
    username,
    password,
    credentialId: credentialIdOf('password', username, password),
  };
}

export function identityTokenCredential(token: string): Credential {
  return { kind: 'identity-token', token, credentialId: credentialIdOf('identity-token', token) };
}

/** `Authorization` of the Basic scheme (RFC 7617, UTF-8); undefined for a credential without a password. */
export function basicAuthorization(credential: Credential | undefined): string | undefined {
  if (credential?.kind !== 'password') return undefined;
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
}

function credentialIdOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
