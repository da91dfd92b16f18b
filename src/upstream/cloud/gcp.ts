import { passwordCredential } from '../credentials/credential.ts';
import { importCloudClient } from './cloud-client.ts';
import type { FetchLogin } from './renewed-login.ts';

/**
 * Google Artifact Registry, gcr.io included: an OAuth2 access token of the application default credentials, good for an hour
 * at most, as the password of a fixed user (https://cloud.google.com/artifact-registry/docs/docker/authentication).
 */
export function createGcpLogin(): FetchLogin {
  return async (signal) => {
    const { GoogleAuth } = await importCloudClient(
      'google-auth-library',
      () => import('google-auth-library'),
    );
    // One of its own each time: a client that is kept would give the token that it remembers.
    const auth = new GoogleAuth({
      scopes: SCOPE,
      projectId: NO_PROJECT,
      clientOptions: { transporterOptions: { signal } },
    });
    const client = await auth.getClient();
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

/**
 * A token needs none. Without a name the client would look for one, in gcloud and at an API that need not be enabled, and have
 * no token when that fails.
 */
const NO_PROJECT = 'none';
