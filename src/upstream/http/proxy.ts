import { BlockList, isIP } from 'node:net';
import { LarderError } from '../../kit/errors.ts';
import { literalScope } from './address.ts';

/** `caches[].proxy` of the configuration. */
export interface ProxySettings {
  readonly httpProxy?: string | undefined;
  readonly httpsProxy?: string | undefined;
}

/** Environment variables in the form of `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns a function that chooses the proxy for a URL, undefined for a direct connection. Settings come before `HTTPS_PROXY` and
 * `HTTP_PROXY`, which are chosen by the URL's scheme, upper case before lower case. `NO_PROXY` counts for settings and environment,
 * with the rules of Go's golang.org/x/net/http/httpproxy, which registry clients share. As there, the environment never applies to
 * this machine itself; the settings of an upstream do.
 */
export function createProxyChoice(settings: ProxySettings, env: Environment): (url: URL) => URL | undefined {
  const variable = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined;
  const configured = proxies(settings.httpProxy, settings.httpsProxy);
  const ambient = proxies(variable('HTTP_PROXY'), variable('HTTPS_PROXY'));
  const exempt = (variable('NO_PROXY') ?? '')
    .split(',')
    .map((entry) => exemption(entry.trim().toLowerCase()));
  return (url) => {
    if (exempt.some((test) => test(url))) return undefined;
    const proxy = configured[url.protocol];
    if (proxy !== undefined) return proxy;
    return literalScope(url.hostname) === 'loopback' ? undefined : ambient[url.protocol];
  };
}

function proxies(
  http: string | undefined,
  https: string | undefined,
): Readonly<Record<string, URL | undefined>> {
  return { 'http:': proxyUrl(http || undefined), 'https:': proxyUrl(https || undefined) };
}

/** Parses a proxy's address. Without a scheme it is an http proxy, as in Go. */
function proxyUrl(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  try {
    return new URL(text.includes('://') ? text : `http://${text}`);
  } catch (cause) {
    // Not the text itself: it may hold a password.
    throw new LarderError('CONFIG_INVALID', 'the proxy address is not a URL: expected http://host:port', {
      cause,
    });
  }
}

/**
 * Compiles one entry of `NO_PROXY`: `*`, a network, an address, `.domain` for names below, `domain` for itself too. Each may end in
 * `:port`.
 */
function exemption(entry: string): (url: URL) => boolean {
  if (entry === '') return () => false;
  if (entry === '*') return () => true;
  if (entry.includes('/')) return networkTest(entry);
  const [, host = entry, port] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  const name = host.replace(/^\*(?=\.)/, '');
  return (url) => {
    if (port !== undefined && port !== effectivePort(url)) return false;
    const hostname = url.hostname.replace(/\.$/, '');
    return name.startsWith('.')
      ? hostname.endsWith(name)
      : hostname === name || hostname.endsWith(`.${name}`);
  };
}

function networkTest(entry: string): (url: URL) => boolean {
  const [network = '', prefix = ''] = entry.split('/');
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (isIP(network) === 0 || length < 0 || length > (family === 'ipv6' ? 128 : 32)) return () => false;
  const list = new BlockList();
  list.addSubnet(network, length, family);
  return (url) => {
    const address = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const kind = isIP(address);
    return kind !== 0 && list.check(address, kind === 6 ? 'ipv6' : 'ipv4');
  };
}

function effectivePort(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80');
}
