import { createHash } from 'node:crypto';

export const HOSTS_TOML = 'hosts.toml';
/** The first line of every file that is ours. Without it a file is somebody else's. */
export const MARKER =
  '# Written by larder node-agent, which overwrites changes. Without this line the file is yours.';

/** A host that containerd tries, in order, before the registry itself. */
export interface HostEntry {
  readonly url: string;
  readonly capabilities: readonly ('pull' | 'resolve')[];
  readonly overridePath?: boolean;
  /** PEM, trusted beside the system's. */
  readonly ca?: string | undefined;
  /** Understood from containerd 2.0.7 on, ignored before. */
  readonly dialTimeout?: string;
}

/** The hosts.toml of one upstream. */
export interface HostsFile {
  readonly upstream: string;
  /** Where containerd goes when no host has an answer. */
  readonly server: string;
  readonly hosts: readonly HostEntry[];
}

/**
 * The text of the file, for containerd 1.6 to 2.3: keys that all of them know or pass over, real table headers (2.x finds no others), one
 * per host in the order of trying. `referrers` is no capability here: below 2.2 it makes the whole file unreadable. Certificates lie beside
 * the upstream's directory, and are named relative to it, so the agent may see both under another path than containerd.
 */
export function hostsToml({ server, hosts }: Pick<HostsFile, 'server' | 'hosts'>): string {
  const tables = hosts.map((host) => {
    const lines = [hostTable(host.url), `  capabilities = [${host.capabilities.map(quoted).join(', ')}]`];
    if (host.ca !== undefined) lines.push(`  ca = ${quoted(`../${caFileName(host.ca)}`)}`);
    if (host.overridePath === true) lines.push('  override_path = true');
    if (host.dialTimeout !== undefined) lines.push(`  dial_timeout = ${quoted(host.dialTimeout)}`);
    return `\n${lines.join('\n')}\n`;
  });
  return `${MARKER}\nserver = ${quoted(server)}\n${tables.join('')}`;
}

/** The header of a host's table. */
export function hostTable(url: string): string {
  return `[host.${quoted(url)}]`;
}

/** Named after its content: a file that containerd may be reading never changes. */
export function caFileName(pem: string): string {
  return `larder-ca-${createHash('sha256').update(pem).digest('hex').slice(0, 16)}.pem`;
}

/** Matches what {@link caFileName} gives. */
export const CA_FILE_NAME = /^larder-ca-[0-9a-f]{16}\.pem$/;

/** A basic string of TOML 1.0: what JSON escapes, and DEL. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007F');
}
