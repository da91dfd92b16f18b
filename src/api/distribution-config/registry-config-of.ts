import { problemsAt, type Problem } from '../../kit/document/field-problem.ts';
import type { RegistryConfig } from '../registry-config/effective.ts';
import { parseRegistryConfig } from '../registry-config/parse.ts';
import { API_VERSION, KIND } from '../registry-config/schema.ts';
import { upstreamAt } from '../rules/upstream-names.ts';
import type { DistributionDocument } from './schema.ts';

/** Name by which the configuration refers to the login in `proxy.username` and `proxy.password`. */
export const DISTRIBUTION_SECRET = 'distribution-config';

export interface ProxyMeaning {
  /** Undefined if there are problems. */
  readonly config: RegistryConfig | undefined;
  readonly login: { readonly username: string; readonly password: string } | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Makes the RegistryConfig that has the meaning of the section `proxy`. The upstream is named after the host in `remoteurl`. As in
 * Distribution, a login needs both parts, and a `ttl` that is left out is 7 days.
 */
export function registryConfigOf(proxy: DistributionDocument['proxy']): ProxyMeaning {
  const { remoteurl, ttl, username = '', password = '' } = proxy;
  const login = username === '' || password === '' ? undefined : { username, password };
  if (remoteurl === '')
    return { config: undefined, login, problems: [problemsAt('proxy').required(['remoteurl'], NO_URL)] };
  const result = parseRegistryConfig({
    apiVersion: API_VERSION,
    kind: KIND,
    caches: [
      {
        upstream: upstreamAt(remoteurl) ?? 'unknown',
        remoteURL: remoteurl,
        ...(login !== undefined && { secretReferenceName: DISTRIBUTION_SECRET }),
        ...(ttl !== undefined && { garbageCollection: { ttl } }),
      },
    ],
  });
  return result.ok
    ? { config: result.config, login, problems: [] }
    : { config: undefined, login, problems: translated(result.problems) };
}

const NO_URL =
  'the URL of the upstream; without it Distribution is a registry of its own, which Larder is not';

/** Puts problems of the RegistryConfig at the keys from which it was made. A wrong host is a problem of name and URL; one is enough. */
function translated(problems: readonly Problem[]): Problem[] {
  const ofUrl = problems.filter(({ path }) => path === 'caches[0].remoteURL');
  const ofName = ofUrl.length > 0 ? [] : problems.filter(({ path }) => path === 'caches[0].upstream');
  const others = problems.filter(({ path }) => !/^caches\[0\]\.(?:remoteURL|upstream)$/.test(path));
  const at = (path: string) => (problem: Problem) => ({
    ...problem,
    path,
    text: `${path}: ${problem.message}`,
  });
  return [...[...ofUrl, ...ofName].map(at('proxy.remoteurl')), ...others.map(at('proxy.ttl'))];
}
