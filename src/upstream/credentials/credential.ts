import { createHash } from 'node:crypto';
import type { RepositoryName } from '../../oci/reference.ts';

/** A login: a configured one, or a caller's. */
export type Credential = {
  /** Tells credentials apart without showing them: keys of tokens and rate limits. Another secret has another one. */
  readonly credentialId: string;
} & (
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token (`identitytoken` of a Docker configuration), good for token servers only. */
  | { readonly kind: 'identity-token'; readonly token: string }
);

/**
 * Gives the configured credential for a repository (undefined: for a ping); undefined where none is configured. `refused` is
 * one that the registry no longer takes: the answer is another where there is one, else the same.
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

/** `Authorization` of the Basic scheme (RFC 7617, UTF-8); undefined for a credential that has no password. */
export function basicAuthorization(credential: Credential | undefined): string | undefined {
  if (credential?.kind !== 'password') return undefined;
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
}

function credentialIdOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
