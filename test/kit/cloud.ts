/**
 * Stands in for the services that clouds hand out logins by, all of them at one loopback address: the APIs of ECR and ECR
 * Public, the credentials of an ECS or EKS container, STS, the metadata servers of Google and Azure. It hands out what the
 * test says and counts who asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type CloudService = 'ecr' | 'ecr-public' | 'container' | 'sts' | 'google' | 'azure' | 'unknown';

export interface CloudRequest {
  readonly service: CloudService;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Cloud extends AsyncDisposable {
  readonly url: string;
  /** What is handed out next: the password of ECR, the access token of Google or Azure. */
  secret: string;
  /** How long it lives. */
  lifeSeconds: number;
  /** `refuses`: 403 to every request, as to an identity that is not allowed to. `hangs`: no answer at all. */
  mood: 'answers' | 'refuses' | 'hangs';
  readonly requests: readonly CloudRequest[];
  count(service: CloudService): number;
  /**
   * Where the clouds' own clients look, as environment variables: pointed here, and away from what this machine may have.
   */
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts it on a free port. */
export async function startCloud(secret: string): Promise<Cloud> {
  const requests: CloudRequest[] = [];
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const service = serviceOf(request, body);
    requests.push({ service, url: request.url ?? '', headers: request.headers, body });
    if (cloud.mood === 'hangs') return;
    const { status, headers, content } = (cloud.mood === 'refuses' ? REFUSAL : ANSWERS[service])(
      cloud,
      request,
    );
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof content === 'string' ? content : JSON.stringify(content));
  }

  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cloud: Cloud = {
    url: `http://${host}`,
    secret,
    lifeSeconds: 3600,
    mood: 'answers',
    requests,
    count: (service) => requests.filter((request) => request.service === service).length,
    environment: environmentOf(host),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return cloud;
}

const CONTAINER_PATH = '/v2/credentials/container';
const GOOGLE_PATH = '/computeMetadata/v1/instance';
const AZURE_PATH = '/metadata/identity/oauth2/token';

function environmentOf(host: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_ECR: `http://${host}`,
    AWS_ENDPOINT_URL_ECR_PUBLIC: `http://${host}`,
    AWS_ENDPOINT_URL_STS: `http://${host}`,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${host}${CONTAINER_PATH}`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'container-token-hush',
    AWS_REGION: 'eu-test-1',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    GCE_METADATA_HOST: host,
    CLOUDSDK_CONFIG: '/nonexistent',
    AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://${host}`,
    AZURE_TOKEN_CREDENTIALS: 'prod',
  };
}

function serviceOf({ url = '', headers }: IncomingMessage, body: string): CloudService {
  const target = String(headers['x-amz-target']);
  if (target === 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken') return 'ecr';
  if (target === 'SpencerFrontendService.GetAuthorizationToken') return 'ecr-public';
  if (url.startsWith(CONTAINER_PATH)) return 'container';
  if (body.includes('Action=AssumeRoleWithWebIdentity')) return 'sts';
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

const REFUSAL: Answer = () => ({ status: 403, content: { message: 'refused by the test' } });

const ANSWERS: Readonly<Record<CloudService, Answer>> = {
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
    content: { access_token: secret, expires_in: lifeSeconds, token_type: 'Bearer' },
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
  // What Google's client asks besides, and the probe of Azure's: a metadata server is there, with no answer to this.
  unknown: (_, { url = '' }) => ({
    status: url.replace(/\/?(\?.*)?$/, '') === GOOGLE_PATH ? 200 : 404,
    headers: { 'metadata-flavor': 'Google' },
    content: '',
  }),
};
