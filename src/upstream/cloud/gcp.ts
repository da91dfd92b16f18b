import { passwordCredential } from '../credential.ts';
import type { FetchLogin } from './renewed-login.ts';

/**
 * Google Artifact Registry, gcr.io included: an OAuth2 access token of the application default credentials, good for an hour
 * at most, as the password of a fixed user (https://cloud.google.com/artifact-registry/docs/docker/authentication).
 */
export function createGcpLogin(): FetchLogin {
  return async (signal) => {
    const { GoogleAuth } = await import('google-auth-library');
    const clientOptions = { transporterOptions: { signal } };
    // A client of its own each time: one that is kept would give the token that it remembers.
    const client = await new GoogleAuth({ scopes: SCOPE, clientOptions }).getClient();
    const { token } = await client.getAccessToken();
    if (!token) throw new Error('Google answered without an access token');
    return {
      credential: passwordCredential('oauth2accesstoken', token),
      expiresAt: client.credentials.expiry_date ?? undefined,
    };
  };
}

/** The one scope that works for every kind of identity; what it may do is decided by its roles. */
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
