import { createHash } from 'node:crypto';

/**
 * Checksums of the configurations of authorities as the Go library computes them (gardener v1.147.1 with mitchellh/hashstructure v2.0.2,
 * format V2, zero values ignored, over a `CertificateSecretConfig` with name and common name, the type `ca` and the validity: 730 days for
 * the first, 30 days for the others). An existing installation is taken over only if these numbers stay as they are.
 */
export const AUTHORITY_CHECKSUMS = {
  'ca-extension-registry-cache': '14085220290397414716',
  'ca-registry-cache-webhook': '7624568432433687302',
  'ca-registry-cache-runtime-webhook': '3437698178030021062',
  'ca-registry-cache-admission-webhook': '13124548622732719454',
  'ca-registry-cache-admission-runtime-webhook': '6235067394785632905',
} as const satisfies Record<string, string>;

/** Longest value of a label. */
const LABEL_LENGTH = 63;

/** Checksum of a configuration that Go would number in another way: 64 bits of SHA-256 over its JSON, in decimal. */
export function configChecksum(config: unknown): string {
  const sum = createHash('sha256').update(JSON.stringify(config)).digest();
  return sum.readBigUInt64BE().toString();
}

/**
 * Checksum of the content of a signing authority, cut to the length of a label. It is that of the Go library (`pkg/utils/checksums.go`), so
 * that certificates which the Go program has issued are recognised.
 */
export function signingChecksum(data: Readonly<Record<string, string>>): string {
  const sums = Object.keys(data)
    .toSorted()
    .map((key) => sha256(data[key] ?? ''));
  return sha256(sums.join('')).slice(0, LABEL_LENGTH);
}

/**
 * Name of a Secret: the name of its configuration, 8 digits for what it is made from, and 5 digits for the rotation that made it, if there
 * was one. `checksums` are those of the configuration and of the signing authority, `rotationStart` is in seconds since the epoch.
 */
export function secretName(configName: string, checksums: readonly string[], rotationStart: string): string {
  const name = `${configName}-${sha256(checksums.join('')).slice(0, 8)}`;
  return rotationStart === '' ? name : `${name}-${rotationSuffix(rotationStart)}`;
}

/** Part of a name that stands for the start of a rotation. */
export function rotationSuffix(rotationStart: string): string {
  return sha256(rotationStart).slice(0, 5);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
