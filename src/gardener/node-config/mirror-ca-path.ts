import { createHash } from 'node:crypto';
import { posix } from 'node:path';

/** Folder of containerd's configurations of registries. */
export const REGISTRIES_FOLDER = '/etc/containerd/certs.d';

const SUFFIX = '-ca-bundle.pem';
/** Longest name of a file, without the suffix, in bytes. */
const LONGEST = 255 - SUFFIX.length;

/**
 * The path on a node of the certificates to trust for a mirror, as the Gardener extension 0.24 has it: a folder for the upstream, a file for the host
 * without its scheme. A name that is too long is cut, and ends with a hash of the host.
 */
export function mirrorCaPath(upstream: string, host: string): string {
  const folder = upstream.replaceAll(':', '-');
  return posix.join(REGISTRIES_FOLDER, folder, `${fileNameOf(host)}${SUFFIX}`);
}

function fileNameOf(host: string): string {
  const name = withoutPrefix(withoutPrefix(host, 'https://'), 'http://').replaceAll(/[:/]/g, '-');
  const bytes = Buffer.from(name);
  if (bytes.length <= LONGEST) return name;
  const hash = createHash('sha256').update(host).digest('hex').slice(0, 5);
  return `${textBefore(bytes, LONGEST - hash.length - 1)}-${hash}`;
}

/** Each byte of a character that is cut becomes U+FFFD, as in the JSON that Go writes. */
function textBefore(bytes: Buffer, end: number): string {
  let start = end;
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return bytes.subarray(0, start).toString() + '\uFFFD'.repeat(end - start);
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}
