/** Authorizes readers: reads credentials, and refuses with the challenges of registries in the field. */
import { timingSafeEqual } from 'node:crypto';
import { errorAnswer, type Answer } from './answer.ts';
import type { Catalogue } from './catalogue.ts';
import type { Identity } from './request-log.ts';
import type { Route } from './route.ts';
import type { Tokens } from './tokens.ts';

/** Differences between the challenge of a 401 and Distribution's. */
export interface ChallengeQuirks {
  /** Parameters without quotes. */
  readonly unquoted?: boolean;
  /** `realm="/token"`; needs the token server on the registry's own port. */
  readonly relativeRealm?: boolean;
  /** A Basic challenge besides the Bearer one: in a header line of its own, or in the same line. */
  readonly alsoBasic?: 'own-line' | 'same-line';
  /** Never names a scope, also not on repository paths. */
  readonly withoutScope?: boolean;
  /** Always this scope, as ECR Public's `aws`. */
  readonly fixedScope?: string;
  /** No `error=`, so that containerd repeats the request. */
  readonly withoutError?: boolean;
  /** A Basic challenge when an `Authorization` was sent and refused, as Harbor. */
  readonly basicAfterRefusal?: boolean;
  /** No challenge at all when a token was sent and refused, as GHCR. */
  readonly bareAfterRefusal?: boolean;
  /** The Basic challenge, where it is not `Basic realm="Test registry"`. */
  readonly basic?: string;
  /** A ping is challenged without `service`, as at Artifact Registry. */
  readonly pingWithoutService?: boolean;
  /** Status for a token that is unknown, expired or revoked: 401 by default; ECR Public sends 400. */
  readonly badTokenStatus?: number;
  /** 403 `DENIED` without challenge for Basic or junk credentials, as GHCR. */
  readonly deniesForeignCredentials?: boolean;
}

export interface AuthOptions {
  readonly scheme: 'none' | 'basic' | 'bearer';
  readonly service: string;
  /** Absolute URL of the token server. */
  readonly realm: string;
  /** Public repositories are readable without a credential: at Quay without a token, at Nexus without a login. */
  readonly publicWithoutToken: boolean;
  readonly quirks: ChallengeQuirks;
}

export interface AuthDeps {
  readonly users: ReadonlyMap<string, string>;
  readonly catalogue: Catalogue;
  readonly tokens: Tokens;
}

/** The meaning of an `Authorization` header. */
export function identify(header: string | undefined, { users, tokens }: AuthDeps): Identity {
  if (header === undefined) return { kind: 'none', user: undefined, valid: true, raw: header };
  const basic = parseBasic(header);
  if (basic) {
    const valid = passwordFits(users, basic.user, basic.password);
    return { kind: 'basic', user: valid ? basic.user : undefined, valid, raw: header };
  }
  const bearer = /^bearer +(.+)$/i.exec(header)?.[1];
  if (bearer === undefined) return { kind: 'other', user: undefined, valid: false, raw: header };
  const token = tokens.valid(bearer);
  return { kind: 'bearer', user: token?.user, valid: token !== undefined, raw: header };
}

/** The refusal for a request, or undefined when it may go on. */
export function refusal(
  route: Route,
  identity: Identity,
  deps: AuthDeps,
  options: AuthOptions,
): Answer | undefined {
  if (options.scheme === 'none') return undefined;
  if (options.scheme === 'basic') return basicRefusal(route, identity, deps.catalogue, options);
  return bearerRefusal(route, identity, deps, options);
}

/** The name and password of a Basic header, undefined for anything else. */
export function parseBasic(header: string): { user: string; password: string } | undefined {
  const encoded = /^basic +(\S+)$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return { user, password: password.join(':') };
}

/** True when the user exists and has this password. */
export function passwordFits(users: ReadonlyMap<string, string>, user: string, password: string): boolean {
  const [wanted, given] = [Buffer.from(users.get(user) ?? ''), Buffer.from(password)];
  return users.has(user) && wanted.length === given.length && timingSafeEqual(wanted, given);
}

function basicRefusal(
  route: Route,
  identity: Identity,
  catalogue: Catalogue,
  { publicWithoutToken, quirks: { basic = BASIC_CHALLENGE } }: AuthOptions,
): Answer | undefined {
  const { repository } = route;
  if (publicWithoutToken && identity.kind === 'none' && repository !== undefined) {
    if (catalogue.mayRead(undefined, repository)) return undefined;
  }
  if (identity.kind !== 'basic' || identity.user === undefined) {
    return unauthorized('authentication required', [basic]);
  }
  return repository === undefined || catalogue.mayRead(identity.user, repository) ? undefined : denied();
}

function bearerRefusal(
  route: Route,
  identity: Identity,
  deps: AuthDeps,
  options: AuthOptions,
): Answer | undefined {
  const { quirks } = options;
  if (identity.kind === 'basic' || identity.kind === 'other') {
    return quirks.deniesForeignCredentials
      ? denied()
      : bearerChallenge(route, identity, 'invalid_token', options);
  }
  const { catalogue, tokens } = deps;
  const token = tokens.valid(identity.raw?.replace(/^bearer +/i, '') ?? '');
  if (identity.kind === 'bearer' && token?.service !== options.service) {
    return bearerChallenge(route, identity, 'invalid_token', options);
  }
  const { repository } = route;
  if (repository === undefined)
    return token ? undefined : bearerChallenge(route, identity, undefined, options);
  if (options.publicWithoutToken && catalogue.mayRead(undefined, repository)) return undefined;
  if (!token) return bearerChallenge(route, identity, undefined, options);
  const readable =
    token.scopes.has(pullScope(repository)) ||
    (token.scopes.has(quirks.fixedScope ?? '') && catalogue.mayRead(token.user, repository));
  return readable ? undefined : bearerChallenge(route, identity, 'insufficient_scope', options);
}

/** The scope that allows reading a repository. */
export function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

const BASIC_CHALLENGE = 'Basic realm="Test registry"';

function bearerChallenge(
  route: Route,
  identity: Identity,
  error: 'invalid_token' | 'insufficient_scope' | undefined,
  { quirks, realm, service }: AuthOptions,
): Answer {
  const { basic = BASIC_CHALLENGE } = quirks;
  if (quirks.basicAfterRefusal && identity.raw !== undefined) return unauthorized('access denied', [basic]);
  if (quirks.bareAfterRefusal && identity.kind === 'bearer')
    return unauthorized('authentication required', []);
  const scope =
    quirks.fixedScope ??
    (route.repository !== undefined && !quirks.withoutScope ? pullScope(route.repository) : undefined);
  const parameters = {
    realm: quirks.relativeRealm ? new URL(realm).pathname : realm,
    service: quirks.pingWithoutService && route.kind === 'ping' ? undefined : service,
    scope,
    error: quirks.withoutError ? undefined : error,
  };
  const bearer = formatChallenge('Bearer', parameters, quirks.unquoted ?? false);
  const challenges =
    quirks.alsoBasic === 'own-line'
      ? [bearer, basic]
      : [quirks.alsoBasic === 'same-line' ? `${bearer}, ${basic}` : bearer];
  const status = error === 'invalid_token' ? (quirks.badTokenStatus ?? 401) : 401;
  return unauthorized(error ?? 'authentication required', challenges, status);
}

function formatChallenge(
  scheme: string,
  parameters: Readonly<Record<string, string | undefined>>,
  unquoted: boolean,
): string {
  const pairs = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => (unquoted ? `${name}=${value}` : `${name}="${value}"`));
  return `${scheme} ${pairs.join(',')}`;
}

function unauthorized(message: string, challenges: readonly string[], status = 401): Answer {
  const headers = status === 401 && challenges.length > 0 ? { 'www-authenticate': challenges } : {};
  return errorAnswer(status, 'UNAUTHORIZED', message, headers);
}

function denied(): Answer {
  return errorAnswer(403, 'DENIED', 'requested access to the resource is denied');
}
