/** Environment variables that lead the clouds' own clients to a stand-in. */
import type { TestPki } from '../certificate.ts';
import type { TempDir } from '../temp.ts';
import { CONTAINER_PATH } from './services.ts';

/** Names of the services that the clients call by default. */
export const REAL_NAMES = [
  'api.ecr.eu-test-1.amazonaws.com',
  'sts.eu-test-1.amazonaws.com',
  'login.microsoftonline.com',
  'sts.googleapis.com',
];

/** Credentials and metadata at `host`, as a node or a container has them. Hides the identities of this machine. */
export function metadataAt(host: string): Record<string, string> {
  return {
    ...NO_OTHER_IDENTITY,
    AWS_ENDPOINT_URL_ECR: `http://${host}`,
    AWS_ENDPOINT_URL_ECR_PUBLIC: `http://${host}`,
    AWS_ENDPOINT_URL_STS: `http://${host}`,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${host}${CONTAINER_PATH}`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'container-token-hush',
    GCE_METADATA_HOST: host,
    AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://${host}`,
  };
}

/** The real names behind a proxy at `host`. The identity is that of a service account with a token in a file. */
export function behindProxyAt(host: string, files: TempDir, { caPem }: TestPki): Record<string, string> {
  const tokenFile = files.write('token', 'service-account-token');
  const google = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: 'https://sts.googleapis.com/v1/token',
    credential_source: { file: tokenFile },
  };
  return {
    ...NO_OTHER_IDENTITY,
    HTTPS_PROXY: `http://${host}`,
    NO_PROXY: '127.0.0.1',
    NODE_EXTRA_CA_CERTS: files.write('ca.pem', caPem),
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/larder',
    AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    GOOGLE_APPLICATION_CREDENTIALS: files.write('google.json', JSON.stringify(google)),
    AZURE_TENANT_ID: '11111111-1111-1111-1111-111111111111',
    AZURE_CLIENT_ID: '22222222-2222-2222-2222-222222222222',
    AZURE_FEDERATED_TOKEN_FILE: tokenFile,
  };
}

/** Hides the identities of this machine from the clients. */
const NO_OTHER_IDENTITY = {
  AWS_REGION: 'eu-test-1',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  CLOUDSDK_CONFIG: '/nonexistent',
  AZURE_TOKEN_CREDENTIALS: 'prod',
};
