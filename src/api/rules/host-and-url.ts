import { MASK } from '../../kit/redact.ts';
import { subdomainErrors } from './dns-names.ts';
import { parseGoUrl } from './go-url.ts';
import { pathSegmentMessage, RULE_MESSAGES } from './rule-messages.ts';

/**
 * Checks `<host>[:<port>]` in the words and order of the Gardener extension: a lower-case DNS name or an IPv4 address, and a
 * port from 1 to 65535 without leading zeros. IPv6 literals are refused.
 */
export function hostPortErrors(hostPort: string): string[] {
  const match = /^(.*):([0-9]+)$/s.exec(hostPort);
  if (match === null) return subdomainErrors(hostPort);
  const [, host = '', port = ''] = match;
  const wrongPort = `port '${port}' is not valid, valid port must be in the range [1, 65535]`;
  return [...(validPort(port) ? [] : [wrongPort]), ...subdomainErrors(host)];
}

/**
 * Checks the URL of a registry or proxy in the words and order of the Gardener extension: `http` or `https`, a host as in
 * {@link hostPortErrors}, and after it at most a slash.
 */
export function originUrlErrors(raw: string): string[] {
  return urlErrors(raw, (path) => (path === '' || path === '/' ? [] : [RULE_MESSAGES.urlPath]));
}

/** Checks the URL of a mirror like {@link originUrlErrors}, with a path allowed that has no segment `.` or `..`. */
export function mirrorUrlErrors(raw: string): string[] {
  return urlErrors(raw, (path) => {
    const segments = unescaped(path).split('/');
    return (['..', '.'] as const).filter((segment) => segments.includes(segment)).map(pathSegmentMessage);
  });
}

function urlErrors(raw: string, pathErrors: (path: string) => string[]): string[] {
  const url = parseGoUrl(raw);
  if ('error' in url) {
    // The parser's message quotes parts of the URL. In a URL with user information any part may be the password.
    return [
      maskUserInfo(raw) === raw
        ? `${RULE_MESSAGES.urlUnparsable}: ${url.error}`
        : RULE_MESSAGES.urlUnparsable,
    ];
  }
  if (url.scheme !== 'http' && url.scheme !== 'https') {
    return [RULE_MESSAGES.urlScheme];
  }
  const errors = [...hostPortErrors(url.host), ...pathErrors(url.path)];
  if (url.hasUserInfo) errors.push(RULE_MESSAGES.urlUserInfo);
  if (url.query !== '') errors.push(RULE_MESSAGES.urlQuery);
  if (url.fragment !== '') errors.push(RULE_MESSAGES.urlFragment);
  return errors;
}

/** True for a host that passes {@link hostPortErrors} but that no HTTP client can connect to, such as `1.2.3.999`. */
export function isUnusableHost(hostPort: string): boolean {
  return hostPortErrors(hostPort).length === 0 && !URL.canParse(`https://${hostPort}`);
}

/** True for a URL that passes {@link originUrlErrors} but that no HTTP client can connect to. */
export function isUnusableOrigin(raw: string): boolean {
  return originUrlErrors(raw).length === 0 && !URL.canParse(raw);
}

/** True for a URL that passes {@link mirrorUrlErrors} but that no HTTP client can connect to. */
export function isUnusableMirror(raw: string): boolean {
  return mirrorUrlErrors(raw).length === 0 && !URL.canParse(raw);
}

export const UNUSABLE_HOST = 'is neither a host name nor an IPv4 address that a URL can hold';

/**
 * Hides the text between the scheme and the last `@`. It does not parse the URL on purpose: it must also work on a text that is
 * no URL, where a password may contain any character.
 */
export function maskUserInfo(text: string): string {
  const at = text.lastIndexOf('@');
  const scheme = text.indexOf('://');
  const start = scheme >= 0 && scheme < at ? scheme + 3 : 0;
  return at > start ? text.slice(0, start) + MASK + text.slice(at) : text;
}

/** Resolves percent escapes of ASCII, which is enough to find segments of dots. Unlike `decodeURIComponent`, accepts any bytes. */
function unescaped(path: string): string {
  return path.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function validPort(port: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535;
}
