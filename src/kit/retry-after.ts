/** Nobody waits longer on a server's word. */
const LONGEST_SECONDS = 3600;

/**
 * Seconds to wait as `Retry-After` says (RFC 9110, section 10.2.3: seconds, or an HTTP date seen from `nowMs`), from 1 to
 * 3600. Undefined when it is missing or malformed.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : untilDate(text, nowMs);
  return seconds === undefined ? undefined : Math.min(LONGEST_SECONDS, Math.max(1, seconds));
}

/** The three forms of an HTTP date (RFC 9110, section 5.6.7) begin with a day's name; `Date.parse` alone would take much else. */
function untilDate(text: string, nowMs: number): number | undefined {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.ceil((date - nowMs) / 1000);
}
