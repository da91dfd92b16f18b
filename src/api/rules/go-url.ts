import { isIPv4, isIPv6 } from 'node:net';
import { goQuote } from '../../kit/document/go-quote.ts';

/** The parts of a URL that rules check. */
export interface GoUrl {
  /** Lower case, without the colon. Empty if there is none. */
  readonly scheme: string;
  /** With the port, without user information. */
  readonly host: string;
  /** As written, like `query` and `fragment`. */
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
  readonly hasUserInfo: boolean;
}

/**
 * Splits a URL as Go 1.26's `net/url.Parse` does, or gives the error in Go's words. The WHATWG parser does not fit: it corrects
 * some input that Go refuses (blanks, back slashes), and refuses some that Go accepts.
 */
export function parseGoUrl(raw: string): GoUrl | { error: string } {
  const [text, fragment] = cut(raw, '#');
  const url = split(text);
  if (typeof url === 'string') return { error: `parse ${goQuote(text)}: ${url}` };
  const wrong = escapeError(fragment);
  return wrong === undefined ? { ...url, fragment } : { error: `parse ${goQuote(raw)}: ${wrong}` };
}

function split(text: string): Omit<GoUrl, 'fragment'> | string {
  if (CONTROL.test(text)) return 'net/url: invalid control character in URL';
  if (text.startsWith(':')) return 'missing protocol scheme';
  const scheme = SCHEME.exec(text)?.[1];
  const [rest, query] = cut(scheme === undefined ? text : text.slice(scheme.length + 1), '?');
  const url = { scheme: scheme?.toLowerCase() ?? '', host: '', path: '', query, hasUserInfo: false };
  if (!rest.startsWith('/')) {
    // With a scheme such a rest is opaque ("rootless" in RFC 3986 section 4.1): it has neither host nor path.
    if (scheme !== undefined) return url;
    if (cut(rest, '/')[0].includes(':')) return 'first path segment in URL cannot contain colon';
  }
  if (!rest.startsWith('//') || (scheme === undefined && rest.startsWith('///'))) {
    return escapeError(rest) ?? { ...url, path: rest };
  }
  const slash = rest.indexOf('/', 2);
  const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
  const path = slash < 0 ? '' : rest.slice(slash);
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const wrong =
    hostError(url.scheme, host) ??
    (at < 0 ? undefined : userInfoError(authority.slice(0, at))) ??
    escapeError(path);
  return wrong ?? { ...url, host, path, hasUserInfo: at >= 0 };
}

/** C0 controls and DEL, nothing else. */
// oxlint-disable-next-line no-control-regex -- it finds control characters
const CONTROL = /[\u0000-\u001f\u007f]/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;
const OPTIONAL_PORT = /^(?::[0-9]*)?$/;
const USER_INFO = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
/** ASCII characters that a host may not contain. */
const FORBIDDEN_IN_HOST = /[ #/?@\\^`{|}]/;

function hostError(scheme: string, host: string): string | undefined {
  const bracket = host.lastIndexOf('[');
  if (bracket > 0) return 'invalid IP-literal';
  if (bracket === 0) return literalError(host);
  // RFC 3986 allows one colon; Go enforces that for http and https only.
  const web = scheme === 'http' || scheme === 'https';
  const colon = web ? host.indexOf(':') : host.lastIndexOf(':');
  if (colon >= 0 && !OPTIONAL_PORT.test(host.slice(colon))) return portError(host.slice(colon));
  return hostEscapeError(host);
}

/** Checks a host in brackets: an IPv6 address, with or without a zone, which `%25` introduces (RFC 6874). */
function literalError(host: string): string | undefined {
  const close = host.lastIndexOf(']');
  if (close < 0) return "missing ']' in host";
  const port = host.slice(close + 1);
  if (!OPTIONAL_PORT.test(port)) return portError(port);
  const address = host.slice(1, close);
  const [bare, zone] = cut(address, '%25');
  const wrong = hostEscapeError(bare) ?? zoneError(zone);
  if (wrong !== undefined) return wrong;
  if (isIPv4(address)) return 'invalid IP-literal';
  const parsed = `invalid host: ParseAddr(${goQuote(address.replace('%25', '%'))})`;
  if (!isIPv6(bare)) return `${parsed}: unable to parse IP`;
  return zone === '' && bare !== address ? `${parsed}: zone must be a non-empty string` : undefined;
}

function portError(colonPort: string): string {
  return `invalid port ${goQuote(colonPort)} after host`;
}

/** Checks the characters of a host, and its escapes: only bytes outside ASCII and the percent sign (RFC 3986 section 3.2.2, RFC 6874). */
function hostEscapeError(host: string, mayEscape = isOutsideAscii): string | undefined {
  for (const [part] of host.matchAll(/%.{0,2}|[^%]/gsu)) {
    if (part.startsWith('%')) {
      const code = /^%[0-9a-f]{2}$/i.test(part) ? Number.parseInt(part.slice(1), 16) : undefined;
      if (code === undefined || !(part === '%25' || mayEscape(code))) return escapeText(part);
    } else if (FORBIDDEN_IN_HOST.test(part)) {
      return `invalid character ${goQuote(part)} in host name`;
    }
  }
  return undefined;
}

function isOutsideAscii(code: number): boolean {
  return code >= 0x80;
}

/** Checks a zone like a host. The characters that may be escaped are those of a host, and the blank. */
function zoneError(zone: string): string | undefined {
  return hostEscapeError(
    zone,
    (code) =>
      code === 0x20 || (code > 0x20 && code < 0x7f && !FORBIDDEN_IN_HOST.test(String.fromCharCode(code))),
  );
}

function userInfoError(userInfo: string): string | undefined {
  if (!USER_INFO.test(userInfo)) return 'net/url: invalid userinfo';
  const [username, password] = cut(userInfo, ':');
  return escapeError(username) ?? escapeError(password);
}

function escapeError(text: string): string | undefined {
  const wrong = /%(?![0-9a-f]{2}).{0,2}/isu.exec(text);
  return wrong === null ? undefined : escapeText(wrong[0]);
}

/** Reports a wrong escape. Go cuts it after three bytes, also within a character. */
function escapeText(escape: string): string {
  let quoted = '';
  let room = 3;
  for (const char of escape) {
    const bytes = [...Buffer.from(char)].slice(0, room);
    room -= bytes.length;
    const isWhole = bytes.length === Buffer.byteLength(char);
    quoted += isWhole ? goQuote(char).slice(1, -1) : bytes.map((byte) => `\\x${byte.toString(16)}`).join('');
  }
  return `invalid URL escape "${quoted}"`;
}

/** Gives the text before and after the first `separator`. The second is empty if there is none. */
function cut(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
