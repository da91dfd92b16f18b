import { LarderError } from '../../kit/errors.ts';
import { redactUrl } from '../../kit/redact.ts';
import type { AddressGuard } from './address-guard.ts';
import type { UpstreamExchange } from './exchange.ts';

/** Redirects in a row; more are a loop. containerd follows 10, but no known registry needs 3. */
const MAX_HOPS = 5;

/** Redirects of RFC 9110, section 15.4. GET and HEAD keep their method with each of them. */
const STATUSES = new Set([301, 302, 303, 307, 308]);

/**
 * The target of a redirect from `url`, the `hop`th in a row (from 1); undefined for any other answer.
 * @throws `UPSTREAM_BAD_ANSWER` for a missing or unreadable `Location` and after 5 hops, `UPSTREAM_FORBIDDEN_ADDRESS`.
 */
export function redirectTarget(
  answer: UpstreamExchange,
  url: URL,
  hop: number,
  guard: AddressGuard,
): URL | undefined {
  if (!STATUSES.has(answer.status)) return undefined;
  if (hop > MAX_HOPS) throw badRedirect(url, `redirects for the ${hop}th time`);
  const location = answer.headers['location'];
  if (location === undefined) throw badRedirect(url, `answered ${answer.status} without Location`);
  if (!URL.canParse(location, url.href))
    throw badRedirect(url, `answered ${answer.status} with a Location that is no URL`);
  const target = new URL(location, url);
  guard.check(target, 'redirect target');
  return target;
}

/** True below `/v2/`, where a registry answers. Any other path is storage, which must not see `Authorization`. */
export function isRegistryPath({ pathname }: URL): boolean {
  return pathname === '/v2' || pathname.startsWith('/v2/');
}

function badRedirect(url: URL, problem: string): LarderError {
  return new LarderError('UPSTREAM_BAD_ANSWER', `${redactUrl(url)} ${problem}`);
}
