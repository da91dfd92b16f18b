import type { Dispatcher } from 'undici';
import type { Clock } from '../../kit/clock.ts';
import type { UpstreamMetrics } from '../metrics.ts';
import { createAddressGuard, type Resolve } from '../http/address-guard.ts';
import { createDispatchers } from '../http/dispatchers.ts';
import { exchange, readAnswer, type UpstreamExchange, type ExchangeRequest } from '../http/exchange.ts';
import { upstreamFailure } from '../http/failure.ts';
import { DEFAULT_LIMITS } from '../http/limits.ts';
import { createProxyChoice } from '../http/proxy.ts';
import type { UpstreamOptions } from '../upstream.ts';

/** Posts a form to the registry itself, with the proxy and the CA certificates of requests for content. */
export type RegistryPost = (
  url: URL,
  form: Record<string, string>,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: string }>;

export interface RegistryPostDeps {
  readonly clock: Clock;
  readonly metrics: UpstreamMetrics;
  readonly resolve?: Resolve;
}

export type RegistryPostOptions = Pick<
  UpstreamOptions,
  'name' | 'remoteURL' | 'userAgent' | 'caBundle' | 'proxy' | 'env'
>;

const ANSWER_LIMIT = 256 * 1024;

/**
 * A {@link RegistryPost} whose connections end with the answer, since hours pass between two posts. Throws errors as requests for content
 * do.
 */
export function createRegistryPost(
  { clock, metrics, resolve }: RegistryPostDeps,
  options: RegistryPostOptions,
): RegistryPost {
  const { name, userAgent, caBundle = () => undefined } = options;
  const limits = DEFAULT_LIMITS;
  const guard = createAddressGuard(new URL(options.remoteURL), resolve);
  const proxyFor = createProxyChoice(options.proxy ?? {}, options.env ?? {});

  function count(code: string): void {
    metrics.upstreamRequests.inc({ upstream_host: name, method: 'POST', kind: 'token', code });
  }

  async function send(request: ExchangeRequest, dispatcher: Dispatcher): Promise<UpstreamExchange> {
    const onBytes = (bytes: number): void => metrics.upstreamBytes.inc({ upstream_host: name }, bytes);
    try {
      const answer = await exchange(dispatcher, request, { clock, limits, onBytes });
      count(String(answer.status));
      return answer;
    } catch (error) {
      if (request.signal.aborted) throw error;
      count('error');
      throw upstreamFailure(request.url.host, error);
    }
  }

  return async (url, form, signal) => {
    const dispatchers = createDispatchers({ limits, guard, clock, caBundle, proxyFor });
    const headers = { 'user-agent': userAgent, 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams(form).toString();
    try {
      const answer = await send({ method: 'POST', url, headers, body, signal }, dispatchers.pick(url));
      const content = await readAnswer(answer, url.host, ANSWER_LIMIT);
      return { status: answer.status, body: content.toString('utf8') };
    } finally {
      await dispatchers.close();
    }
  };
}
