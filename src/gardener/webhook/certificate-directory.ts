import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../kit/replace-file.ts';
import type { KeyPair } from '../../kube/certificates/key-pair.ts';

/**
 * Writes the pair to `tls.key` and `tls.crt` of `directory`, for people and for programs beside this one. Each file is replaced as a whole.
 * The directory is created if it does not exist.
 */
export async function writeCertificate(directory: string, { certificate, key }: KeyPair): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o750 });
  await replaceFile(join(directory, 'tls.key'), key, 0o600);
  await replaceFile(join(directory, 'tls.crt'), certificate, 0o600);
}
