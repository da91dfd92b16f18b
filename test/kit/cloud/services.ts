/** Requests to a cloud's services, and their answers. */
import type { IncomingMessage } from 'node:http';
import type { Cloud } from '../cloud.ts';

export type CloudService = 'ecr' | 'ecr-public' | 'container' | 'sts' | 'google' | 'azure' | 'unknown';

/** Path of the credentials of an ECS or EKS container. */
export const CONTAINER_PATH = '/v2/credentials/container';
const GOOGLE_PATH = '/computeMetadata/v1/instance';
const AZURE_PATH = '/metadata/identity/oauth2/token';

/** The service that a request is for. */
export function serviceOf({ url = '', headers }: IncomingMessage, body: string): CloudService {
  const target = String(headers['x-amz-target']);
  if (target === 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken') return 'ecr';
  if (target === 'SpencerFrontendService.GetAuthorizationToken') return 'ecr-public';
  if (url.startsWith(CONTAINER_PATH)) return 'container';
  if (body.includes('Action=AssumeRoleWithWebIdentity')) return 'sts';
  if (body.includes('subject_token=')) return 'google';
  if (body.includes('grant_type=client_credentials')) return 'azure';
  if (url.startsWith(`${GOOGLE_PATH}/service-accounts/default/token`)) return 'google';
  return url.startsWith(AZURE_PATH) && headers['metadata'] === 'true' ? 'azure' : 'unknown';
}

type Answer = (
  cloud: Cloud,
  request: IncomingMessage,
) => { status: number; headers?: Record<string, string>; content: string | object };

const endOf = ({ lifeSeconds }: Cloud): number => Math.floor(Date.now() / 1000) + lifeSeconds;
const authorization = (cloud: Cloud): object => ({
  authorizationToken: Buffer.from(`AWS:${cloud.secret}`).toString('base64'),
  expiresAt: endOf(cloud),
});

/** The answer of any service to an identity without permission. */
export const REFUSAL: Answer = () => ({ status: 403, content: { message: 'refused by the test' } });

export const ANSWERS: Readonly<Record<CloudService, Answer>> = {
  ecr: (cloud) => ({ status: 200, content: { authorizationData: [authorization(cloud)] } }),
  'ecr-public': (cloud) => ({ status: 200, content: { authorizationData: authorization(cloud) } }),
  container: (cloud) => ({
    status: 200,
    content: {
      AccessKeyId: 'AKIDTEST',
      SecretAccessKey: 'aws-key-hush',
      Token: 'aws-session-hush',
      Expiration: new Date(1000 * endOf(cloud)).toISOString(),
    },
  }),
  sts: (cloud) => ({
    status: 200,
    headers: { 'content-type': 'text/xml' },
    content: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult><Credentials>
        <AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>aws-key-hush</SecretAccessKey>
        <SessionToken>aws-session-hush</SessionToken>
        <Expiration>${new Date(1000 * endOf(cloud)).toISOString()}</Expiration>
      </Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>`,
  }),
  google: ({ secret, lifeSeconds }) => ({
    status: 200,
    headers: { 'metadata-flavor': 'Google' },
    content: {
      access_token: secret,
      expires_in: lifeSeconds,
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    },
  }),
  azure: (cloud, { url }) => ({
    status: 200,
    content: {
      access_token: cloud.secret,
      expires_in: String(cloud.lifeSeconds),
      expires_on: String(endOf(cloud)),
      resource: new URLSearchParams(url?.split('?')[1]).get('resource'),
      token_type: 'Bearer',
    },
  }),
  // Other requests of Google's client, and the probe of Azure's: the metadata server exists, and answers without content.
  unknown: (_, { url = '' }) => ({
    status: url.replace(/\/?(\?.*)?$/, '') === GOOGLE_PATH ? 200 : 404,
    headers: { 'metadata-flavor': 'Google' },
    content: '',
  }),
};
