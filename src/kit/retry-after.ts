/** Longest wait that a server can demand. */
const LONGEST_SECONDS = 3600;

/**
 * Reads `Retry-After` (RFC 9110, section 10.2.3: seconds, or an HTTP date, compared with `nowMs`) as seconds from 1 to 3600;
 * undefined for a missing or malformed header.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : untilDate(text, nowMs);
  return seconds === undefined ? undefined : Math.min(LONGEST_SECONDS, Math.max(1, seconds));
}

/**
 * Reads the three forms of an HTTP date (RFC 9110, section 5.6.7). All begin with the name of a day; `Date.parse` alone takes much
 * else.
 */
function untilDate(text: string, nowMs: number): number | undefined {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.ceil((date - nowMs) / 1000);
}
