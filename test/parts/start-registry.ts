import { join } from 'node:path';
import { basic } from '../kit/client.ts';
import type { Place } from '../kit/place.ts';
import { tempDir, type TempDir } from '../kit/temp.ts';
import { startDaemon } from './daemon.ts';
import { needPart } from './find.ts';
import { createHtpasswdFile, type HtpasswdFile } from './htpasswd-file.ts';
import { startTokenServer, type Account, type TokenServer, type TokenServerOptions } from './token-server.ts';

/** Authentication of a registry. */
export type RegistryAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly account: Account }
  | ({ readonly kind: 'token' } & TokenServerOptions);

export interface RegistryOptions {
  /** `registry3` is Distribution 3, `registry2` Distribution 2.8. */
  readonly part: 'registry3' | 'registry2';
  readonly auth?: RegistryAuth;
  /** Makes it a pull-through cache of the registry at this URL, as the Go extension for Gardener runs it. */
  readonly proxyOf?: string;
  /** With `proxyOf`: the login that it uses there. */
  readonly proxyLogin?: Account;
  /** Directory of its content, which stays at disposal; one of its own by default. */
  readonly content?: string;
  /** Place where it runs; beside the test by default. Its token server, if it has one, runs in the test. */
  readonly place?: Place;
}

/** A running Distribution registry. Disposing it stops it and removes its own directory. */
export interface Registry extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, as it is at {@link RegistryOptions.place}. */
  readonly url: string;
  /**
   * `localhost:PORT`, for references. ORAS refuses a token server on loopback unless registry and realm have the same
   * host name (GHSA-mm27-wq9c-mxxr), and crane refuses one that is an address (go-containerregistry#2258).
   */
  readonly host: string;
  readonly pid: number;
  readonly tokens: TokenServer | undefined;
  output(): string;
  /** Value of the `Authorization` header with which the repository may be pushed to; undefined when none is needed. */
  authorization(repository: string): string | undefined;
  /**
   * From now on this account exists beside the one it was started with, and may pull these repositories. With Basic it
   * may pull all, since Distribution's htpasswd knows no rights. Throws an `Error` where nobody needs to log in.
   */
  allow(account: Account, repositories: readonly string[]): Promise<void>;
  /** From now on there is no account of this name. */
  forget(username: string): void;
  /** Stops the registry and its token server; what it served stays where it is until disposal. */
  stop(): Promise<void>;
}

/** Starts a Distribution registry on loopback. Throws an `Error` with its output when it does not start. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const { part, auth = { kind: 'none' }, proxyOf, proxyLogin, place } = options;
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const tokens = auth.kind === 'token' ? cleanup.use(await startTokenServer(auth)) : undefined;
  const logins = auth.kind === 'basic' ? await createHtpasswdFile(own, auth.account) : undefined;

  const configuration = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: options.content ?? join(own.path, 'content') },
      // The proxy mode needs deletion for its expiry, and conformance tests of an upstream may use it.
      delete: { enabled: true },
    },
    http: { addr: '127.0.0.1:0', secret: 'only-for-tests' },
    ...(proxyOf === undefined ? {} : { proxy: { remoteurl: proxyOf, ...proxyLogin } }),
    ...authConfiguration(logins, tokens, own),
  };
  const configurationFile = own.write('config.yml', JSON.stringify(configuration)); // JSON is YAML too.

  const daemon = cleanup.use(
    await startDaemon({
      name: part,
      place,
      command: needPart(part),
      args: ['serve', configurationFile],
      // Distribution 3 sends traces to a collector on localhost by default.
      env: { OTEL_TRACES_EXPORTER: 'none' },
      ready: /listening on 127\.0\.0\.1:(\d+)/,
    }),
  );
  const boundPort = daemon.ready[1]!;
  const resources = cleanup.move();
  return {
    url: `http://127.0.0.1:${boundPort}`,
    host: `localhost:${boundPort}`,
    pid: daemon.pid,
    tokens,
    output: () => daemon.output(),
    authorization(repository) {
      if (auth.kind === 'none') return undefined;
      if (auth.kind === 'basic') return basic(auth.account.username, auth.account.password);
      const access = [{ type: 'repository', name: repository, actions: ['pull', 'push'] }];
      return `Bearer ${tokens!.issue(auth.account.username, access)}`;
    },
    async allow(account, repositories) {
      if (logins === undefined && tokens === undefined) throw new Error(`nobody needs to log in at ${part}`);
      await logins?.allow(account);
      tokens?.allow(account, repositories);
    },
    forget(username) {
      logins?.forget(username);
      tokens?.forget(username);
    },
    async stop() {
      await daemon.stop();
      await tokens?.stop();
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function authConfiguration(
  logins: HtpasswdFile | undefined,
  tokens: TokenServer | undefined,
  directory: TempDir,
): object {
  if (logins !== undefined) return { auth: { htpasswd: { realm: 'larder-test', path: logins.path } } };
  if (tokens === undefined) return {};
  const rootcertbundle = directory.write('tokens.pem', tokens.authority);
  const { realm, service, issuer } = tokens;
  return { auth: { token: { realm, service, issuer, rootcertbundle } } };
}
