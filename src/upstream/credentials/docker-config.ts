import { dockerConfigLogin } from '../../api/secrets/docker-config.ts';
import { identityTokenCredential, passwordCredential, type Credential } from './credential.ts';

/** Makes the credential for an upstream from a `.dockerconfigjson`, see {@link dockerConfigLogin}. */
export function dockerConfigCredential(
  content: string,
  upstream: string,
  remoteURL: string,
): Credential | undefined {
  const login = dockerConfigLogin(content, upstream, remoteURL);
  if (login === undefined) return undefined;
  return 'identityToken' in login
    ? identityTokenCredential(login.identityToken)
    : passwordCredential(login.username, login.password);
}
