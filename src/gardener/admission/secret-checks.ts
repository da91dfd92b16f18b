import { maskUserInfo } from '../../api/rules/host-and-url.ts';
import { caBundleProblem } from '../../api/secrets/ca-bundle-rules.ts';
import { dockerConfigLogin } from '../../api/secrets/docker-config.ts';
import { loginSecretProblems } from '../../api/secrets/login-secret-rules.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import { errorText } from '../../kit/errors.ts';

/** A Secret as the API server has it, as far as the rules look at it. */
export interface ReferencedSecret {
  readonly type?: string;
  readonly immutable?: boolean;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** The registry that a login is for. */
interface Upstream {
  readonly upstream: string;
  readonly remoteURL: string;
}

const DOCKER_TYPE = 'kubernetes.io/dockerconfigjson';
const DOCKER_KEY = '.dockerconfigjson';

/**
 * Checks a Secret with a login in the words of the Gardener extension: immutable, `username` and `password` and no more. Unlike there, it may be
 * a Docker configuration with a login for the upstream.
 */
export function credentialSecretProblems(
  content: ReferencedSecret,
  secret: string,
  upstream: Upstream,
): string[] {
  const of = `the referenced secret ${goQuote(secret)}`;
  const mutable = content.immutable === true ? [] : [`${of} should be immutable`];
  if (content.type === DOCKER_TYPE) return [...mutable, ...dockerProblems(content, of, upstream)];
  const login = { username: entry(content, 'username'), password: entry(content, 'password') };
  return [
    ...mutable,
    ...(keys(content).length === 2 ? [] : [`${of} should have only two data entries`]),
    ...loginSecretProblems(login, secret),
  ];
}

function dockerProblems(content: ReferencedSecret, of: string, upstream: Upstream): string[] {
  const config = entry(content, DOCKER_KEY);
  const isOnly = config !== undefined && keys(content).length === 1;
  return [
    ...(isOnly ? [] : [`${of} should have only the data entry ${goQuote(DOCKER_KEY)}`]),
    ...(config === undefined ? [] : dockerConfigProblems(config, of, upstream)),
  ];
}

function dockerConfigProblems(config: string, of: string, { upstream, remoteURL }: Upstream): string[] {
  const what = `the data entry ${goQuote(DOCKER_KEY)} in ${of}`;
  try {
    if (dockerConfigLogin(config, upstream, remoteURL) !== undefined) return [];
    return [`${what} has no login for ${goQuote(maskUserInfo(upstream))}`];
  } catch (error) {
    return [`${what} is unusable: ${errorText(error)}`];
  }
}

/**
 * Checks a Secret with a CA bundle in the words of the Gardener extension: immutable, `bundle.crt` and no more. `isValid` judges the bundle.
 */
export function bundleSecretProblems(
  content: ReferencedSecret,
  secret: string,
  isValid: (bundle: string) => boolean,
): string[] {
  const of = `the referenced CA bundle secret ${goQuote(secret)}`;
  const wrong = caBundleProblem(entry(content, 'bundle.crt'), secret, isValid);
  return [
    ...(content.immutable === true ? [] : [`${of} should be immutable`]),
    ...(wrong === undefined ? [] : [wrong]),
    ...(keys(content).length > 1 ? [`${of} should only have a single data entry with key "bundle.crt"`] : []),
  ];
}

function keys({ data }: ReferencedSecret): string[] {
  return Object.keys(data ?? {});
}

/** Text of an entry; undefined for a key that the Secret does not have. */
function entry({ data = {} }: ReferencedSecret, key: string): string | undefined {
  return Object.hasOwn(data, key) ? Buffer.from(data[key] ?? '', 'base64').toString('utf8') : undefined;
}
