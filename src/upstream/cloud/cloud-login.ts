import type { CloudProvider } from '../../api/registry-config/schema.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CredentialSource } from '../credentials/configured-credentials.ts';
import { createAcrLogin } from './acr.ts';
import { MissingCloudClient } from './cloud-client.ts';
import { createEcrLogin } from './ecr.ts';
import { createGcpLogin } from './gcp.ts';
import { createRegistryPost, type RegistryPostDeps, type RegistryPostOptions } from './registry-post.ts';
import { createRenewedLogin, type FetchLogin, type RenewedLoginDeps } from './renewed-login.ts';

export interface CloudLoginDeps extends RegistryPostDeps, Pick<RenewedLoginDeps, 'tasks'> {
  readonly logger: Logger;
}

/**
 * Logs in to an upstream by the identity of the process. While the cloud gives no login, requests fail with
 * `UPSTREAM_CREDENTIAL_UNAVAILABLE` instead of going out anonymously: the registry's 404 or 401 would hide the cause. One warning
 * is logged, and the gauge `larder_cloud_login_failing` is 1 until the next login. `larder_cloud_login_end_timestamp_seconds` is
 * the end of the last one.
 */
export function createCloudLogin(
  deps: CloudLoginDeps,
  provider: CloudProvider,
  options: RegistryPostOptions,
): CredentialSource {
  const { clock, tasks } = deps;
  const { name } = options;
  const { fetcher, identityHint } = PROVIDERS[provider];
  const labels = { upstream_host: name, provider };
  const failing = deps.metrics.cloudLoginFailing.labels(labels);
  const end = deps.metrics.cloudLoginEnd.labels(labels);
  const logger = deps.logger.with({ upstream: name, provider });
  let complained = false;

  function onLogin(lifeMs: number): void {
    failing.set(0);
    end.set((clock.now() + lifeMs) / 1000);
    if (complained) logger.info('the cloud login works again');
    complained = false;
  }

  function onFailure(cause: unknown): LarderError {
    failing.set(1);
    const [reason, hint] =
      cause instanceof MissingCloudClient
        ? [cause.message, cause.hint]
        : ["this server's own identity got no login", identityHint];
    if (!complained) logger.warn('no cloud login', { error: oneLine(errorText(cause)), hint });
    complained = true;
    const message = `${name}: ${reason} (provider ${provider})`;
    return new LarderError('UPSTREAM_CREDENTIAL_UNAVAILABLE', message, { hint, cause });
  }

  failing.set(0);
  end.set(0);
  const login = createRenewedLogin({ clock, tasks, onLogin, onFailure }, fetcher(deps, options));
  return (signal, refused) => login.get(signal, refused);
}

interface Provider {
  readonly fetcher: (deps: CloudLoginDeps, options: RegistryPostOptions) => FetchLogin;
  /** Advice when the cloud hands out no login. */
  readonly identityHint: string;
}

const PROVIDERS: Readonly<Record<CloudProvider, Provider>> = {
  ecr: {
    fetcher: (_, { remoteURL, env }) => createEcrLogin(new URL(remoteURL), env),
    identityHint:
      'give the pod an IAM role that allows ecr:GetAuthorizationToken (IRSA, EKS Pod Identity or the node)',
  },
  gcp: {
    fetcher: () => createGcpLogin(),
    identityHint:
      'give the pod a Google identity (workload identity or the node) with the role Artifact Registry Reader',
  },
  acr: {
    fetcher: (deps, options) => createAcrLogin(new URL(options.remoteURL), createRegistryPost(deps, options)),
    identityHint:
      'give the pod an Azure identity (workload identity or managed identity) with the role AcrPull',
  },
};

/** Characters of a reason. Those of the SDKs have many lines, one for each place where they looked for an identity. */
const REASON_LIMIT = 1000;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, REASON_LIMIT);
}
