/**
 * The programmable upstream: a registry with content, users, a token server, signed redirects and scripted faults, all
 * in the test's process, on loopback or in the network of a place. It counts every request, byte, connection and token.
 */
import { createTestPki, type TestPki } from './certificate.ts';
import type { Place } from './place.ts';
import { createAnswerer, type Answerer } from './upstream/answering.ts';
import { identify, type AuthOptions, type ChallengeQuirks } from './upstream/auth.ts';
import { createCatalogue, type Catalogue } from './upstream/catalogue.ts';
import { createFaults, type Faults } from './upstream/faults.ts';
import { openOrigin, type Origin, type OriginListener } from './upstream/origin.ts';
import type { RedirectOptions } from './upstream/redirects.ts';
import type { RegistryOptions } from './upstream/registry.ts';
import { createRequestLog, type Identity, type RequestLog } from './upstream/request-log.ts';
import { respond } from './upstream/respond.ts';
import { parseRoute, TOKEN_PATH } from './upstream/route.ts';
import type { TokenOptions } from './upstream/token-server.ts';
import { createTokens, type Tokens } from './upstream/tokens.ts';
import { Users } from './upstream/users.ts';

export interface UpstreamOptions extends RegistryOptions {
  /** An address of this machine's loopback, or of the place; `127.0.0.1` by default. */
  readonly address?: string;
  /** The registry's port; a free one by default. */
  readonly port?: number;
  /** Place of the listeners; beside the test by default. The upstream runs in the test's process either way. */
  readonly place?: Pick<Place, 'listen'>;
  /** Speaks TLS on all its ports. Pass another upstream's `pki` to share its authority. */
  readonly tls?: boolean | TestPki;
  /** The login for reading; none by default. */
  readonly auth?: AuthOptions['scheme'];
  /** Names and passwords. */
  readonly users?: Readonly<Record<string, string>>;
  readonly token?: TokenOptions;
  readonly challenge?: ChallengeQuirks;
  /** With `auth`: public repositories are readable without any credential, as at Quay and Nexus. */
  readonly publicWithoutToken?: boolean;
  /** Treats repositories that do not exist as private, as Docker Hub: 401 instead of 404. */
  readonly hidesUnknown?: boolean;
  /** Sends clients to signed URLs. */
  readonly redirect?: RedirectOptions;
}

export interface Upstream extends Origin, Catalogue, Omit<RequestLog, 'add'>, AsyncDisposable {
  readonly faults: Faults;
  /** Names and passwords; changes take effect at once. */
  readonly users: Map<string, string>;
  readonly tokens: Tokens;
  /** Target of redirected blobs, with its own listener and connections. Undefined without `redirect` to it. */
  readonly cdn: Origin | undefined;
  /** The token server's listener, when it has its own. */
  readonly tokenServer: Origin | undefined;
  readonly pki: TestPki | undefined;
  /** Certificate of the authority that clients must trust; undefined without TLS. */
  readonly caPem: string | undefined;
  /** Moves the upstream's clock: tokens and signed URLs grow older. */
  advanceClock(milliseconds: number): void;
  /** Sets all counters to zero and forgets the requests. Content, users, tokens and faults stay. */
  reset(): void;
}

/** Starts an upstream on free ports. Dispose it to close everything, running responses included. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const {
    address = '127.0.0.1',
    place,
    redirect,
    token: tokenOptions = {},
    challenge: quirks = {},
  } = options;
  const pki = options.tls === true ? createTestPki() : options.tls || undefined;
  const users = new Users(Object.entries(options.users ?? {}));
  const catalogue = createCatalogue(options.hidesUnknown ? { readers: [] } : 'public');
  const log = createRequestLog();
  const faults = createFaults();
  let clockOffset = 0;
  const now = (): number => Date.now() + clockOffset;
  const tokens = createTokens(now);
  const deps = { users, catalogue, tokens, now };

  // The answers have the origins' URLs, and the origins need the answers.
  let answer: Answerer;
  const listener = createListener({
    log,
    faults,
    identify: (header) => identify(header, deps),
    answer: (...asked) => answer(...asked),
  });

  const registry = await openOrigin({ address, port: options.port, place, pki }, listener);
  const cdn =
    redirect && (redirect.to ?? 'cdn') === 'cdn'
      ? await openOrigin({ address: redirect.host ?? address, place, pki }, listener)
      : undefined;
  const tokenServer =
    tokenOptions.at === 'own-port' ? await openOrigin({ address, place, pki }, listener) : undefined;
  const origins = [registry, cdn, tokenServer].filter((origin) => origin !== undefined);
  answer = createAnswerer(deps, {
    registry: options,
    auth: {
      scheme: options.auth ?? 'none',
      service: tokenOptions.service ?? 'test-registry',
      realm: `${(tokenServer ?? registry).url}${TOKEN_PATH}`,
      publicWithoutToken: options.publicWithoutToken ?? false,
      quirks,
    },
    token: tokenOptions,
    redirect,
    origin: registry.url,
    cdn: cdn?.url,
  });

  return {
    ...registry,
    ...catalogue,
    ...log,
    faults,
    users,
    tokens,
    cdn,
    tokenServer,
    pki,
    caPem: pki?.caPem,
    advanceClock(milliseconds) {
      clockOffset += milliseconds;
    },
    reset() {
      log.reset();
      tokens.reset();
      for (const origin of origins) origin.resetConnections();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(origins.map((origin) => origin.close()));
      faults.clear();
    },
  };
}

interface ListenerDeps {
  readonly log: RequestLog;
  readonly faults: ReturnType<typeof createFaults>;
  readonly identify: (authorization: string | undefined) => Identity;
  readonly answer: Answerer;
}

/** Records each request, plans its faults, and passes it on to be answered. */
function createListener({ log, faults, identify: identifyHeader, answer }: ListenerDeps): OriginListener {
  return (request, response, connection) => {
    const route = parseRoute(request.url ?? '/');
    const record = log.add({
      ...route,
      method: request.method ?? '',
      headers: request.headers,
      authorization: identifyHeader(request.headers.authorization),
      connection: connection.number,
    });
    const gone = new AbortController();
    response.once('close', () => {
      if (record.ending === 'running') record.ending = 'aborted';
      gone.abort();
    });
    const exchange = { request, response, connection, record, gone: gone.signal };
    respond(exchange, faults.take(record), () => answer(request, route, record.authorization)).catch(
      // A mistake in the kit must not look like a requested fault.
      (error: unknown) => {
        if (!response.headersSent) response.statusCode = 599;
        response.end(`the test upstream failed: ${error instanceof Error ? error.stack : String(error)}`);
      },
    );
  };
}
