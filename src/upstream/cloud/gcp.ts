import { passwordCredential } from '../credentials/credential.ts';
import { importCloudClient } from './cloud-client.ts';
import type { FetchLogin } from './renewed-login.ts';

/**
 * Logs in to Google Artifact Registry, gcr.io included. An OAuth2 access token of the application default credentials, good for an hour at
 * most, is the password of a fixed user (https://cloud.google.com/artifact-registry/docs/docker/authentication).
 */
export function createGcpLogin(): FetchLogin {
  return async (signal) => {
    const { GoogleAuth } = await importCloudClient(
      'google-auth-library',
      () => import('google-auth-library'),
    );
    // A new one each time, because a client remembers its token.
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

/** The one scope that works for every kind of identity. The identity's roles decide what it may do. */
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/**
 * A token needs no project. Without a name the client looks for one, in gcloud and at an API that need not be enabled, and gives no
 * token if that fails.
 */
const NO_PROJECT = 'none';
