import type { KeyPair } from './certificate.ts';
import type { TempDir } from './temp.ts';

/** Writes the pair to files, over one that was there before, and gives the flags with which `larder serve` speaks TLS with it. */
export function tlsFlags(files: TempDir, { cert, key }: KeyPair): string[] {
  return ['--tls-cert', files.write('tls.crt', cert), '--tls-key', files.write('tls.key', key)];
}
