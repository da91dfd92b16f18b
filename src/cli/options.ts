import { InvalidArgumentError, Option } from 'commander';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CommandIo } from './command.ts';
import { LarderError } from '../kit/errors.ts';
import { quantityToBytes, parseQuantity } from '../kit/quantity.ts';
import { readAddress, type Address } from '../kit/listen.ts';
import { parseJson } from '../kit/json.ts';
import { labelsSchema } from '../kube/objects/labels.ts';
import { tolerationsSchema } from '../kube/objects/tolerations.ts';

/**
 * Makes an option with an environment twin: `--admin-address` is `LARDER_ADMIN_ADDRESS`. Refuses an empty value, because an empty
 * directory name would mean the current directory.
 */
export function option(flags: string, description: string): Option {
  const name = new Option(flags).name();
  return new Option(flags, description)
    .env(`LARDER_${name.replaceAll('-', '_').toUpperCase()}`)
    .argParser(parseText);
}

/** Parses `HOST:PORT`, with an IPv6 host in brackets. */
export function parseAddress(text: string): Address {
  const address = readAddress(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError(
    `expected HOST:PORT, such as 127.0.0.1:5000 or [::1]:5000, found "${text}".`,
  );
}

/** Parses a loopback address like {@link parseAddress}, for a listener without a login. */
export function parseLoopback(text: string): Address {
  const address = parseAddress(text);
  if (!/^(?:127(?:\.\d{1,3}){3}|::1)$/.test(address.host)) {
    throw new InvalidArgumentError(`expected a loopback address such as 127.0.0.1:5010, found "${text}".`);
  }
  return address;
}

export function logLevelOption(): Option {
  return option('--log-level <level>', 'least severe level to log')
    .choices(['debug', 'info', 'warn', 'error'])
    .default('info');
}

export function logFormatOption(io: Pick<CommandIo, 'isTerminal'>): Option {
  return option('--log-format <format>', 'format of log lines')
    .choices(['json', 'text'])
    .default(io.isTerminal ? 'text' : 'json', 'text on a terminal, else json');
}

/** Parses `http(s)://HOST[:PORT]`, with a path if a proxy serves the registry below one. */
export function parseExternalUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && url.username + url.password + url.search + url.hash === '';
  if (!isPlain || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError(`expected a URL such as https://cache.example:5000, found "${text}".`);
  }
  return url;
}

export function storeOption(io: Pick<CommandIo, 'environment'>): Option {
  const base = io.environment['XDG_CACHE_HOME'];
  const directory = join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'larder');
  return option('--store <dir>', 'directory of the store').default(directory, "the user's cache directory");
}

/** Gives the absolute path of the directory in `--store`. Throws `USAGE` for a URL, without its parameters in the message. */
export function storeDirectory(store: string): string {
  if (!store.includes('://')) return resolve(store);
  throw new LarderError(
    'USAGE',
    `--store ${store.split('?')[0]}: only directories are supported by this version`,
  );
}

export function outputOption(): Option {
  return new Option('--output <format>', 'text, or json for programs')
    .choices(['text', 'json'])
    .default('text');
}

function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('expected a value, found nothing.');
  return text;
}

/** Parses `true` or `false`. */
export function parseBoolean(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError(`expected true or false, found "${text}".`);
}

/** Parses `name=value` pairs separated by commas, which no label contains. */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((pair) => /^([^=]+)=(.*)$/.exec(pair)?.slice(1) ?? [pair, undefined]);
  const labels = labelsSchema.safeParse(Object.fromEntries(pairs));
  if (!labels.success) {
    throw new InvalidArgumentError(
      `expected labels such as "team=platform,example.com/tier=one", found "${text}".`,
    );
  }
  return labels.data;
}

/** Parses `namespace/name`. */
export function parseObjectKey(text: string): { readonly namespace: string; readonly name: string } {
  const [, namespace, name] = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined)
    throw new InvalidArgumentError(
      `expected NAMESPACE/NAME, such as kube-system/ca-bundle, found "${text}".`,
    );
  return { namespace, name };
}

/** Parses tolerations of pods as a JSON list, such as `[{"key":"spot","operator":"Exists"}]`. */
export function parseTolerations(text: string): readonly object[] {
  const found = tolerationsSchema.safeParse(parseJson(text));
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new InvalidArgumentError(
    `expected tolerations such as [{"key":"spot","operator":"Exists"}], found "${text}": ${place}${issue?.message}.`,
  );
}

/** Parses a time of RFC 3339, such as `2026-11-30T20:00:00Z`, to milliseconds since the epoch. */
export function parseTime(text: string): number {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i.test(text);
  const time = isTime ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  throw new InvalidArgumentError(`expected a time such as 2026-11-30T20:00:00Z, found "${text}".`);
}

/** Parses a quantity of bytes as Kubernetes writes it: `20Gi`. */
export function parseBytes(text: string): number {
  const bytes = readQuantity(text);
  if (bytes === undefined || bytes <= 0) {
    throw new InvalidArgumentError(`expected a quantity of bytes above 0, such as 20Gi, found "${text}".`);
  }
  return bytes;
}

/** Parses bytes per second as a quantity, with or without a unit: `20M`, `20MB/s`. Allows 0. */
export function parseRate(text: string): number {
  const bytes = readRate(text);
  if (bytes === undefined || bytes < 0) {
    throw new InvalidArgumentError(
      `expected a quantity of bytes per second, such as 20M, or 0, found "${text}".`,
    );
  }
  return bytes;
}

/** Parses a rate like {@link parseRate}, above 0. */
export function parseSpeed(text: string): number {
  const bytes = readRate(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new InvalidArgumentError(`expected bytes per second above 0, such as 20M, found "${text}".`);
}

function readRate(text: string): number | undefined {
  return readQuantity(text.replace(/B?(?:\/s)?$/, ''));
}

function readQuantity(text: string): number | undefined {
  try {
    return quantityToBytes(parseQuantity(text));
  } catch {
    return undefined;
  }
}
