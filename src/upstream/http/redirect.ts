import { LarderError } from '../../kit/errors.ts';
import { redactUrl } from '../../kit/redact.ts';
import type { AddressGuard } from './address-guard.ts';
import type { UpstreamExchange } from './exchange.ts';

/** More are a loop (containerd follows 10, but no registry is known to need 3). */
const MAX_HOPS = 5;

/** RFC 9110, section 15.4. GET and HEAD keep their method with each of them. */
const STATUSES = new Set([301, 302, 303, 307, 308]);

/**
 * Where an answer from `url` sends us, as the `hop`th redirect in a row (from 1); undefined when it is no redirect.
 * @throws `UPSTREAM_BAD_ANSWER` for a missing or unreadable `Location` and after 5 hops, `UPSTREAM_FORBIDDEN_ADDRESS`.
 */
export function redirectTarget(
  answer: UpstreamExchange,
  url: URL,
  hop: number,
  guard: AddressGuard,
): URL | undefined {
  if (!STATUSES.has(answer.status)) return undefined;
  if (hop > MAX_HOPS) throw badRedirect(url, `sends us on for the ${hop}th time`);
  const location = answer.headers['location'];
  if (location === undefined) throw badRedirect(url, `answered ${answer.status} without Location`);
  if (!URL.canParse(location, url.href))
    throw badRedirect(url, `answered ${answer.status} with a Location that is no URL`);
  const target = new URL(location, url);
  guard.check(target, 'redirect target');
  return target;
}

/** True below `/v2/`, where a registry answers; what lies elsewhere is storage, which must not see `Authorization`. */
export function isRegistryPath({ pathname }: URL): boolean {
  return pathname === '/v2' || pathname.startsWith('/v2/');
}

function badRedirect(url: URL, problem: string): LarderError {
  return new LarderError('UPSTREAM_BAD_ANSWER', `${redactUrl(url)} ${problem}`);
}
