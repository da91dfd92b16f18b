import { createHash } from 'node:crypto';
import { stringify } from 'smol-toml';

export const HOSTS_TOML = 'hosts.toml';
/** First line of all our files. A file without it belongs to another owner. */
export const MARKER =
  '# Written by larder node-agent, which overwrites changes. Without this line the file is yours.';

/** A host that containerd tries before the registry itself, in order. */
export interface HostEntry {
  readonly url: string;
  readonly capabilities: readonly ('pull' | 'resolve')[];
  readonly overridePath?: boolean;
  /** PEM, trusted in addition to the system's authorities. */
  readonly ca?: string | undefined;
  /** Effective from containerd 2.0.7 on, ignored before. */
  readonly dialTimeout?: string;
}

/** The hosts.toml of one upstream. */
export interface HostsFile {
  readonly upstream: string;
  /** Registry that containerd asks if no host has an answer. */
  readonly server: string;
  readonly hosts: readonly HostEntry[];
}

/**
 * Text of the file, the same to containerd 1.6 to 2.3. All of them know its keys or ignore them. Every host has a table header of its own,
 * since 2.x finds no inline table. The order of the tables is the order of trying. `referrers` is not among the capabilities: below 2.2
 * that word makes the whole file unreadable. Certificates lie beside the upstream's directory and are named relative to it, because the
 * agent may see both under another path than containerd.
 */
export function hostsToml({ server, hosts }: Pick<HostsFile, 'server' | 'hosts'>): string {
  const tables = hosts.map((host) => [
    host.url,
    {
      capabilities: host.capabilities,
      ca: host.ca === undefined ? undefined : `../${caFileName(host.ca)}`,
      override_path: host.overridePath === true ? true : undefined,
      dial_timeout: host.dialTimeout,
    },
  ]);
  return `${MARKER}\n${stringify({ server, host: Object.fromEntries(tables) })}`;
}

/** Header line of a host's table. */
export function hostTable(url: string): string {
  return stringify({ host: { [url]: {} } }).trimEnd();
}

/** File name derived from the content: a file that containerd may be reading never changes. */
export function caFileName(pem: string): string {
  return `larder-ca-${createHash('sha256').update(pem).digest('hex').slice(0, 16)}.pem`;
}

/** Matches the names from {@link caFileName}. */
export const CA_FILE_NAME = /^larder-ca-[0-9a-f]{16}\.pem$/;
