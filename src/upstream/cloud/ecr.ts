import { Agent } from 'node:https';
import { passwordCredential } from '../credentials/credential.ts';
import type { Environment } from '../http/proxy.ts';
import { importCloudClient } from './cloud-client.ts';
import type { FetchLogin } from './renewed-login.ts';

/**
 * Logs in to the Amazon Elastic Container Registry at `registry`. Gets a password of 12 h for all repositories that the identity
 * may pull, with `GetAuthorizationToken`, by the AWS SDK's default chain and the proxy that `env` names. ECR Public has its own
 * API, in one region only.
 */
export function createEcrLogin({ hostname }: URL, env: Environment = {}): FetchLogin {
  return async (signal) => {
    const data = await (hostname === PUBLIC_HOST
      ? publicToken(env, signal)
      : privateToken(hostname, env, signal));
    const [username = '', ...password] = decoded(data?.authorizationToken).split(':');
    if (username === '' || password.length === 0)
      throw new Error('ECR answered GetAuthorizationToken without a usable token');
    return {
      credential: passwordCredential(username, password.join(':')),
      expiresAt: data?.expiresAt?.getTime(),
    };
  };
}

const PUBLIC_HOST = 'public.ecr.aws';

/** https://docs.aws.amazon.com/general/latest/gr/ecr-public.html */
const PUBLIC_REGION = 'us-east-1';

interface AuthorizationData {
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

async function privateToken(
  hostname: string,
  env: Environment,
  signal: AbortSignal,
): Promise<AuthorizationData | undefined> {
  const { ECRClient, GetAuthorizationTokenCommand } = await importCloudClient(
    '@aws-sdk/client-ecr',
    () => import('@aws-sdk/client-ecr'),
  );
  const region = regionOf(hostname);
  const client = new ECRClient({ ...(region !== undefined && { region }), requestHandler: handlerOf(env) });
  try {
    const answer = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal: signal });
    return answer.authorizationData?.[0];
  } finally {
    client.destroy();
  }
}

async function publicToken(env: Environment, signal: AbortSignal): Promise<AuthorizationData | undefined> {
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await importCloudClient(
    '@aws-sdk/client-ecr-public',
    () => import('@aws-sdk/client-ecr-public'),
  );
  const client = new ECRPUBLICClient({ region: PUBLIC_REGION, requestHandler: handlerOf(env) });
  try {
    const answer = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal: signal });
    return answer.authorizationData;
  } finally {
    client.destroy();
  }
}

/**
 * Options of the SDK's requests. The time-outs also count for the request of a role's credentials, which no abort signal reaches.
 * Without the agent the SDK uses no proxy.
 */
function handlerOf(proxyEnv: Environment) {
  return {
    connectionTimeout: 5_000,
    requestTimeout: 10_000,
    throwOnRequestTimeout: true,
    httpsAgent: new Agent({ proxyEnv }),
  };
}

/**
 * Reads the region from `<account>.dkr.ecr.<region>.amazonaws.com` in all partitions, its FIPS form, and the dual-stack form
 * `<account>.dkr-ecr.<region>.on.aws`. Undefined for other names, such as a private DNS name: then `AWS_REGION` counts.
 */
function regionOf(hostname: string): string | undefined {
  return /^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\./.exec(hostname)?.[1];
}

function decoded(token: string | undefined): string {
  return Buffer.from(token ?? '', 'base64').toString('utf8');
}
