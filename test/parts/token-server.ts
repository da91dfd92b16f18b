import { randomUUID, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createTestPki } from '../kit/certificate.ts';

export interface Account {
  readonly username: string;
  readonly password: string;
}

/** An entry of a token's `access` claim. */
export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** A Docker token server on loopback, whose accounts may change while it runs. Disposing it closes it. */
export interface TokenServer extends AsyncDisposable {
  /** Goes into the registry's challenge. */
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Certificate, PEM, of the authority that vouches for the key of the tokens. */
  readonly authority: string;
  /** Number of tokens issued, by account; `''` is the anonymous caller. */
  readonly given: ReadonlyMap<string, number>;
  /** From now on this account exists, with this password, and may pull these repositories and no others. */
  allow(account: Account, repositories: readonly string[]): void;
  /** From now on there is no account of this name. Tokens that it was given stay valid until they expire. */
  forget(username: string): void;
  /** A token for a set-up step that does not ask over the network. */
  issue(subject: string, access: readonly Access[]): string;
  /** Closes it with all its connections; a second call does nothing. */
  stop(): Promise<void>;
}

export interface TokenServerOptions {
  /** Account that may pull and push everything. */
  readonly account: Account;
  /** Anonymous callers may pull everything, nothing, or these repositories. */
  readonly publicPull: boolean | readonly string[];
}

/** Rights of an account, beyond those of anonymous callers. */
interface Rights {
  readonly password: string;
  readonly may: (action: string, repository: string) => boolean;
}

const TOKEN_LIFETIME_S = 300;

/**
 * Starts a server of the Docker token protocol (https://distribution.github.io/distribution/spec/auth/token/), GET
 * and POST, whose ES256 tokens carry their certificate chain (`x5c`), which Distribution 2 and 3 both accept.
 */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const pki = createTestPki();
  const { key, cert } = pki.server();
  const chain = [new X509Certificate(cert).raw.toString('base64')];
  const service = 'larder-test-registry';
  const issuer = 'larder-test-tokens';
  const given = new Map<string, number>();
  const { account, publicPull } = options;
  const accounts = new Map<string, Rights>([
    [account.username, { password: account.password, may: () => true }],
  ]);
  const mayAnyone = (action: string, repository: string): boolean =>
    action === 'pull' && (typeof publicPull === 'boolean' ? publicPull : publicPull.includes(repository));

  const issue = (subject: string, access: readonly Access[]): string => {
    const now = Math.floor(Date.now() / 1000);
    const header = { typ: 'JWT', alg: 'ES256', x5c: chain };
    const lifetime = { iat: now, nbf: now - 10, exp: now + TOKEN_LIFETIME_S };
    return signToken(key, header, {
      iss: issuer,
      sub: subject,
      aud: service,
      jti: randomUUID(),
      ...lifetime,
      access,
    });
  };

  const server = createServer((request, response) => {
    void readRequest(request).then(({ scopes, username, password }) => {
      const rights = accounts.get(username);
      if (username !== '' && rights?.password !== password) {
        response
          .writeHead(401, { 'content-type': 'application/json' })
          .end('{"errors":[{"code":"UNAUTHORIZED"}]}');
        return;
      }
      given.set(username, (given.get(username) ?? 0) + 1);
      const may = (action: string, repository: string): boolean =>
        mayAnyone(action, repository) || rights?.may(action, repository) === true;
      const access = scopes.map((scope) => grant(scope, may));
      const token = issue(username, access);
      const answer = {
        token,
        access_token: token,
        expires_in: TOKEN_LIFETIME_S,
        issued_at: new Date().toISOString(),
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const realm = `http://localhost:${(server.address() as AddressInfo).port}/token`;
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return {
    realm,
    service,
    issuer,
    authority: pki.caPem,
    given,
    allow({ username, password }, repositories) {
      const may: Rights['may'] = (action, name) => action === 'pull' && repositories.includes(name);
      accounts.set(username, { password, may });
    },
    forget: (username) => void accounts.delete(username),
    issue,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Grants the actions of a scope that the caller may do, possibly none. */
function grant(scope: string, may: Rights['may']): Access {
  const {
    type = '',
    name = '',
    actions = '',
  } = /^(?<type>[^:]*):(?<name>.*):(?<actions>[^:]*)$/.exec(scope)?.groups ?? {};
  return { type, name, actions: actions.split(',').filter((action) => may(action, name)) };
}

async function readRequest(request: IncomingMessage): Promise<{ scopes: string[] } & Account> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const form = request.method === 'POST' ? new URLSearchParams(await text(request)) : url.searchParams;
  // A scope parameter may be repeated, and may hold several scopes with spaces between them.
  const scopes = form.getAll('scope').flatMap((scope) => scope.split(' ').filter((one) => one !== ''));
  if (request.method === 'POST') {
    return { scopes, username: form.get('username') ?? '', password: form.get('password') ?? '' };
  }
  const basic = /^Basic (?<pair>.+)$/i.exec(request.headers.authorization ?? '')?.groups?.['pair'] ?? '';
  const [username = '', ...password] = Buffer.from(basic, 'base64').toString('utf8').split(':');
  return { scopes, username, password: password.join(':') };
}

function signToken(key: string, header: object, claims: object): string {
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  // JOSE wants the two halves of the signature side by side, not in DER (RFC 7518, section 3.4).
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
