import { z } from 'zod';
import { parseJson } from '../../kit/json.ts';
import { identityTokenCredential } from '../credentials/credential.ts';
import { importCloudClient } from './cloud-client.ts';
import type { RegistryPost } from './registry-post.ts';
import type { FetchLogin } from './renewed-login.ts';

/**
 * Logs in to the Azure Container Registry at `registry`. Exchanges an access token of Microsoft Entra ID at the registry itself for
 * a refresh token of 3 h, which the registry's token server takes in the POST form
 * (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md).
 */
export function createAcrLogin(registry: URL, post: RegistryPost): FetchLogin {
  return async (signal) => {
    const { DefaultAzureCredential } = await importCloudClient(
      '@azure/identity',
      () => import('@azure/identity'),
    );
    const scopes = audienceOf(registry);
    const credential = new DefaultAzureCredential({ retryOptions: { maxRetries: RETRIES } });
    const entra = await credential.getToken(scopes, { abortSignal: signal });
    const url = new URL('/oauth2/exchange', registry);
    const { status, body } = await post(
      url,
      { grant_type: 'access_token', service: registry.host, access_token: entra.token },
      signal,
    );
    if (status !== 200) throw new Error(`${url.href} answered ${status} to the token of Microsoft Entra ID`);
    const token = ANSWER.safeParse(parseJson(body)).data?.refresh_token;
    if (token === undefined) throw new Error(`${url.href} answered without a refresh token`);
    return { credential: identityTokenCredential(token), expiresAt: expiryOf(token) };
  };
}

/** Azure's client by default repeats for longer than Larder waits, so that its error would never be seen. */
const RETRIES = 1;

const ANSWER = z.object({ refresh_token: z.string().min(1) });
const CLAIMS = z.object({ exp: z.number() });

/** The scope of the access token. Registries of the national clouds take tokens for their own resource manager only. */
function audienceOf({ hostname }: URL): string {
  if (hostname.endsWith('.azurecr.cn')) return 'https://management.chinacloudapi.cn/.default';
  if (hostname.endsWith('.azurecr.us')) return 'https://management.usgovcloudapi.net/.default';
  return 'https://containerregistry.azure.net/.default';
}

/** The end of a JWT, in milliseconds. The exchange answers without it. */
function expiryOf(token: string): number | undefined {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  const parsed = CLAIMS.safeParse(parseJson(claims)).data;
  return parsed && parsed.exp * 1000;
}
