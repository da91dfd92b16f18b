import { MASK } from '../../kit/redact.ts';
import { subdomainErrors } from './dns-names.ts';
import { parseGoUrl } from './go-url.ts';
import { pathSegmentMessage, RULE_MESSAGES } from './rule-messages.ts';

/**
 * What is wrong with `<host>[:<port>]`, in the words and order of the Gardener extension: a lower-case DNS name or an IPv4
 * address, and a port from 1 to 65535 without leading zeros. IPv6 literals are refused.
 */
export function hostPortErrors(hostPort: string): string[] {
  const match = /^(.*):([0-9]+)$/s.exec(hostPort);
  if (match === null) return subdomainErrors(hostPort);
  const [, host = '', port = ''] = match;
  const wrongPort = `port '${port}' is not valid, valid port must be in the range [1, 65535]`;
  return [...(validPort(port) ? [] : [wrongPort]), ...subdomainErrors(host)];
}

/**
 * What is wrong with the URL of a registry or proxy, in the words and order of the Gardener extension: `http` or `https`, a
 * host as in {@link hostPortErrors}, and nothing behind it but a slash.
 */
export function originUrlErrors(raw: string): string[] {
  return urlErrors(raw, (path) => (path === '' || path === '/' ? [] : [RULE_MESSAGES.urlPath]));
}

/** As {@link originUrlErrors} for the URL of a mirror, which may have a path, but none that leads upwards (or nowhere). */
export function mirrorUrlErrors(raw: string): string[] {
  return urlErrors(raw, (path) => {
    const segments = unescaped(path).split('/');
    return (['..', '.'] as const).filter((segment) => segments.includes(segment)).map(pathSegmentMessage);
  });
}

function urlErrors(raw: string, pathErrors: (path: string) => string[]): string[] {
  const url = parseGoUrl(raw);
  if ('error' in url) {
    // The parser's message quotes parts of the URL, and with user information any of them may be the password.
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
  if (errors.length === 0 && !URL.canParse(raw)) errors.push(UNUSABLE_HOST);
  return errors;
}

/** True for a host that passes {@link hostPortErrors} but that no HTTP client could connect to: `1.2.3.999`. */
export function isUnusableHost(hostPort: string): boolean {
  return hostPortErrors(hostPort).length === 0 && !URL.canParse(`https://${hostPort}`);
}

export const UNUSABLE_HOST = 'is neither a host name nor an IPv4 address that a URL can hold';

/**
 * The text with everything between the scheme and the last `@` hidden. Deliberately coarse, and not a URL parser: it also has
 * to work on what is no URL, where a password may hold any character.
 */
export function maskUserInfo(text: string): string {
  const at = text.lastIndexOf('@');
  const scheme = text.indexOf('://');
  const start = scheme >= 0 && scheme < at ? scheme + 3 : 0;
  return at > start ? text.slice(0, start) + MASK + text.slice(at) : text;
}

/** With percent escapes of ASCII resolved: all that matters for segments of dots, and unlike `decodeURIComponent` it takes any bytes. */
function unescaped(path: string): string {
  return path.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function validPort(port: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535;
}
