import type { KeyPair } from './certificate.ts';
import type { TempDir } from './temp.ts';

/** Writes the pair to files, replacing a previous one, and returns the flags by which `larder serve` uses it. */
export function tlsFlags(files: TempDir, { cert, key }: KeyPair): string[] {
  return ['--tls-cert', files.write('tls.crt', cert), '--tls-key', files.write('tls.key', key)];
}
