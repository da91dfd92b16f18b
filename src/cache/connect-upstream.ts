import type { CacheConfig } from '../api/registry-config/effective.ts';
import { CLOUD_PROVIDERS } from '../api/registry-config/schema.ts';
import { createCloudLogin, type CloudLoginDeps } from '../upstream/cloud/cloud-login.ts';
import { createConfiguredCredentials } from '../upstream/credentials/configured-credentials.ts';
import { createCredentialHealth } from '../upstream/credentials/credential-health.ts';
import type { SecretDirectory } from '../upstream/credentials/secret-directory.ts';
import type { Upstream } from '../upstream/types.ts';
import { createUpstream } from '../upstream/upstream.ts';

export interface ConnectUpstreamDeps extends CloudLoginDeps {
  readonly secrets: SecretDirectory;
}

export interface ConnectUpstreamOptions {
  readonly version: string;
  /** For `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Makes the client of one upstream with its credentials from Secrets and clouds. Opens no connection yet. */
export function connectUpstream(
  deps: ConnectUpstreamDeps,
  cache: CacheConfig,
  { version, environment }: ConnectUpstreamOptions,
): Upstream {
  const name = cache.upstream;
  const secrets = deps.secrets.open(cache);
  const credentialHealth = createCredentialHealth(name, {
    logger: deps.logger.with({ upstream: name }),
    metrics: deps.metrics,
  });
  const options = {
    name,
    remoteURL: cache.remoteURL,
    userAgent: `larder/${version}`,
    caBundle: secrets.caBundle(),
    proxy: cache.proxy,
    env: environment,
  };
  // The gauges of a cloud login that the configuration has dropped must not stay.
  for (const gauge of [deps.metrics.cloudLoginFailing, deps.metrics.cloudLoginEnd])
    for (const provider of CLOUD_PROVIDERS) gauge.remove({ upstream_host: name, provider });
  const credentials = createConfiguredCredentials(cache, {
    secret(secretName) {
      const read = secrets.credentialOf(secretName, (credential) =>
        credentialHealth.provides(`Secret ${secretName}`, credential),
      );
      return (_signal, refused) => (refused === undefined ? read() : deps.secrets.refresh().then(read));
    },
    cloudLogin(provider) {
      const login = createCloudLogin(deps, provider, options);
      return async (signal, refused) => {
        const credential = await login(signal, refused);
        credentialHealth.provides(provider, credential);
        return credential;
      };
    },
  });
  const client = createUpstream(deps, { ...options, credentials, credentialHealth });
  return {
    ...client,
    close() {
      secrets.close();
      return client.close();
    },
  };
}
