/** The upstream client under test, pointed at a registry of the test kit. */
import { createLogger } from '../../src/kit/logger.ts';
import { ManualClock, systemClock } from '../../src/kit/clock.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareUpstreamMetrics, type UpstreamMetrics } from '../../src/upstream/metrics.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { passwordCredential } from '../../src/upstream/credentials/credential.ts';
import type {
  LoginAnswer,
  LoginRequest,
  UpstreamCredential,
  UpstreamRequest,
  UpstreamResponse,
} from '../../src/upstream/types.ts';
import { createUpstream, type UpstreamDeps, type UpstreamOptions } from '../../src/upstream/upstream.ts';
import { parseMetrics, type Upstream as TestRegistry } from '../kit/index.ts';

/** Requests of the client under test: `kind` follows from the path by default. */
export type Asked = Partial<Omit<UpstreamRequest, 'repository' | 'credential'>> & {
  readonly path: string;
  /** `own` by default. A string is a caller's `Authorization` and its credential id, null is an anonymous caller. */
  readonly caller?: string | null;
  /** Applies to a caller; false by default. */
  readonly knownGood?: boolean;
};

export interface Answer extends Omit<UpstreamResponse, 'body' | 'read'> {
  readonly body: Buffer;
}

export interface TestClient extends AsyncDisposable {
  /** Stands still until the test moves it, unless the client was made with the system's clock. */
  readonly clock: ManualClock;
  readonly metrics: UpstreamMetrics;
  /** Every log line, debug included. */
  readonly log: readonly string[];
  /** Sends a request and reads its body to the end. */
  ask(asked: string | Asked): Promise<Answer>;
  /** Sends a request and leaves the body to the test. */
  open(asked: string | Asked): Promise<UpstreamResponse>;
  /** Logs a caller in. */
  logIn(asked: Omit<LoginRequest, 'signal'>): Promise<LoginAnswer>;
  /** Sum of a metric's series with these labels. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  close(): Promise<void>;
}

/** A client of `registry`, with its name. `login` is `user:password`. The clock stands still unless `realTime`. */
export function clientOf(
  registry: Pick<TestRegistry, 'url' | 'host' | 'caPem'>,
  options: Partial<UpstreamOptions> & { login?: string; realTime?: boolean } & Pick<
      UpstreamDeps,
      'resolve'
    > = {},
): TestClient {
  const { login, realTime = false, resolve, ...rest } = options;
  const [user = '', password = ''] = login?.split(':') ?? [];
  const clock = new ManualClock(Date.now());
  const metrics = declareUpstreamMetrics(createMetricsRegistry());
  const log: string[] = [];
  const logger = createLogger({ level: 'debug', format: 'json' }, (line) => log.push(line));
  const upstream = createUpstream(
    { clock: realTime ? systemClock : clock, logger, metrics, ...(resolve && { resolve }) },
    {
      name: registry.host,
      remoteURL: registry.url,
      userAgent: 'larder/test',
      caBundle: () => registry.caPem,
      ...(login !== undefined && { credentials: () => passwordCredential(user, password) }),
      ...rest,
    },
  );

  function open(asked: string | Asked): Promise<UpstreamResponse> {
    const { path, caller, knownGood = false, ...given } = typeof asked === 'string' ? { path: asked } : asked;
    const [, repository, kind] = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\//.exec(path) ?? [];
    return upstream.request({
      method: 'GET',
      kind: KINDS[kind ?? ''] ?? 'ping',
      path,
      credential: credentialOf(caller, knownGood),
      accept: '*/*',
      signal: new AbortController().signal,
      ...(repository !== undefined && { repository: parseRepositoryName(repository) }),
      ...given,
    });
  }

  return {
    clock,
    metrics,
    log,
    open,
    async ask(asked) {
      const response = await open(asked);
      const { status, headers, challenges, contentLength } = response;
      return { status, headers, challenges, contentLength, body: await response.read(1 << 30) };
    },
    logIn: (asked) => upstream.logIn({ ...asked, signal: new AbortController().signal }),
    async metric(name, labels) {
      return parseMetrics(await metrics.registry.metrics()).sum(name, labels);
    },
    close: () => upstream.close(),
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

function credentialOf(caller: string | null | undefined, knownGood: boolean): UpstreamCredential {
  if (caller === undefined) return { kind: 'own' };
  if (caller === null) return { kind: 'none' };
  return { kind: 'caller', authorization: caller, credentialId: caller, knownGood };
}

const KINDS: Readonly<Record<string, UpstreamRequest['kind']>> = {
  manifests: 'manifest',
  blobs: 'blob',
  tags: 'tags',
  referrers: 'referrers',
};
