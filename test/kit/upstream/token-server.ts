/** The token server: GET and POST forms of the Docker token specification (distribution, docs/content/spec/auth). */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { errorAnswer, jsonAnswer, textAnswer, type Answer } from './answer.ts';
import { parseBasic, passwordFits, pullScope, type AuthDeps } from './auth.ts';
import type { Route } from './route.ts';

export interface TokenOptions {
  /** Value of `expires_in`; `absent` leaves it out, which means 60 to clients. 300 by default. */
  readonly expiresIn?: number | 'absent';
  /** Seconds a token really lives; as `expiresIn` (else 300) by default. */
  readonly lifetime?: number;
  /** The members with the token; both by default. */
  readonly field?: 'token' | 'access_token' | 'both';
  /** The answer to POST: `accepted` by default, else this status, as of servers without the POST form. */
  readonly post?: 'accepted' | number;
  /** Without credentials: a token for public repositories, or 401. */
  readonly anonymous?: 'accepted' | 'refused';
  /** Status for a wrong password; 401 by default, GitLab sends 403. */
  readonly refusalStatus?: number;
  /** `own-port`: on a second port instead of the registry's. */
  readonly at?: 'registry-port' | 'own-port';
  /** The token's service; `test-registry` by default. */
  readonly service?: string;
}

export interface TokenServerDeps extends AuthDeps {
  /** Milliseconds on the upstream's clock. */
  readonly now: () => number;
}

/** Answers a request at the token server's path. `fixedScope`: the one scope that all challenges name, if they do. */
export async function answerToken(
  request: IncomingMessage,
  route: Route,
  deps: TokenServerDeps,
  options: TokenOptions,
  fixedScope: string | undefined,
): Promise<Answer> {
  if (request.method === 'GET') return grant(getForm(request, route), deps, options, fixedScope);
  if (request.method !== 'POST')
    return errorAnswer(405, 'UNSUPPORTED', 'a token server answers GET and POST');
  if (typeof options.post === 'number') return textAnswer(options.post, 'no POST here');
  return grant(postForm(await text(request)), deps, options, fixedScope);
}

/** Parameters of both forms. */
interface TokenRequest {
  readonly service: string;
  readonly scopes: readonly string[];
  readonly login: { user: string; password: string } | undefined;
  readonly refreshToken: string | undefined;
  readonly offline: boolean;
  /** The reason why the form cannot be read. */
  readonly problem?: string;
}

function getForm({ headers }: IncomingMessage, { query }: Route): TokenRequest {
  const login = headers.authorization === undefined ? undefined : parseBasic(headers.authorization);
  return {
    service: query.get('service') ?? '',
    scopes: query.getAll('scope').flatMap(splitScopes),
    login,
    refreshToken: undefined,
    offline: query.get('offline_token') === 'true',
    ...(headers.authorization !== undefined && !login && { problem: 'Authorization must be Basic' }),
  };
}

function postForm(body: string): TokenRequest {
  const form = new URLSearchParams(body);
  const grantType = form.get('grant_type');
  const missing = ['grant_type', 'service', 'client_id'].filter((name) => !form.get(name));
  const known = grantType === 'password' || grantType === 'refresh_token';
  return {
    service: form.get('service') ?? '',
    scopes: splitScopes(form.get('scope') ?? ''),
    login:
      grantType === 'password'
        ? { user: form.get('username') ?? '', password: form.get('password') ?? '' }
        : undefined,
    refreshToken: grantType === 'refresh_token' ? (form.get('refresh_token') ?? '') : undefined,
    offline: form.get('access_type') === 'offline',
    ...((missing.length > 0 || !known) && {
      problem: missing.length > 0 ? `missing ${missing.join(', ')}` : `unknown grant_type ${grantType}`,
    }),
  };
}

function grant(
  asked: TokenRequest,
  deps: TokenServerDeps,
  options: TokenOptions,
  fixedScope: string | undefined,
): Answer {
  if (asked.problem !== undefined) return errorAnswer(400, 'UNSUPPORTED', asked.problem);
  const user = authenticate(asked, deps, options);
  if (user === undefined) {
    return errorAnswer(options.refusalStatus ?? 401, 'UNAUTHORIZED', 'incorrect username or password');
  }
  const scopes = grantedScopes(asked.scopes, user, deps, fixedScope);
  const lifetime = options.lifetime ?? (typeof options.expiresIn === 'number' ? options.expiresIn : 300);
  const token = deps.tokens.issue({
    user,
    service: asked.service,
    scopes: new Set(scopes),
    expiresAt: deps.now() + lifetime * 1000,
  });
  const field = options.field ?? 'both';
  return jsonAnswer(200, {
    ...(field !== 'access_token' && { token: token.value }),
    ...(field !== 'token' && { access_token: token.value }),
    ...(options.expiresIn !== 'absent' && { expires_in: options.expiresIn ?? 300 }),
    issued_at: new Date(deps.now()).toISOString(),
    scope: scopes.join(' '),
    ...(asked.offline && user !== 'anonymous' && { refresh_token: `${REFRESH_PREFIX}${user}` }),
  });
}

const REFRESH_PREFIX = 'refresh-token-of-';

/** The user's name, `anonymous`, or undefined when refused. */
function authenticate(
  asked: TokenRequest,
  { users }: TokenServerDeps,
  options: TokenOptions,
): string | undefined {
  if (asked.login) {
    return passwordFits(users, asked.login.user, asked.login.password) ? asked.login.user : undefined;
  }
  if (asked.refreshToken !== undefined) {
    const user =
      asked.refreshToken.startsWith(REFRESH_PREFIX) && asked.refreshToken.slice(REFRESH_PREFIX.length);
    return user !== false && users.has(user) ? user : undefined;
  }
  return options.anonymous === 'refused' ? undefined : 'anonymous';
}

/** The part of the asked scopes that the user may have; an empty one is no error (token.md, "Requesting a token"). */
function grantedScopes(
  asked: readonly string[],
  user: string,
  { catalogue }: TokenServerDeps,
  fixedScope: string | undefined,
): string[] {
  return asked.flatMap((scope) => {
    if (scope === fixedScope) return [scope];
    const [, repository, actions] = /^repository:(.+):([a-z,*]+)$/.exec(scope) ?? [];
    if (repository === undefined || !/(^|,)(pull|\*)(,|$)/.test(actions ?? '')) return [];
    return catalogue.mayRead(user, repository) ? [pullScope(repository)] : [];
  });
}

function splitScopes(scopes: string): string[] {
  return scopes.split(' ').filter((scope) => scope !== '');
}
