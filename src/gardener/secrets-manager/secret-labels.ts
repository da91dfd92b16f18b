import type { Validity } from '../../kube/certificates/key-pair.ts';

/** Keys of the labels that a secrets manager reads and writes (gardener v1.147.1, `pkg/utils/secrets/manager/manager.go`). */
export const SECRET_LABEL = {
  name: 'name',
  managedBy: 'managed-by',
  identity: 'manager-identity',
  configChecksum: 'checksum-of-config',
  signingChecksum: 'checksum-of-signing-ca',
  bundleFor: 'bundle-for',
  persist: 'persist',
  rotationStart: 'last-rotation-initiation-time',
  issuedAt: 'issued-at-time',
  validUntil: 'valid-until-time',
} as const;

export const SECRETS_MANAGER = 'secrets-manager';

export type SecretLabels = Readonly<Record<string, string>>;

/** Selects all Secrets of one manager, or those of them that were made for `configName`. */
export function managedSelector(identity: string, configName?: string): string {
  const terms = [`${SECRET_LABEL.managedBy}=${SECRETS_MANAGER}`, `${SECRET_LABEL.identity}=${identity}`];
  if (configName !== undefined) terms.push(`${SECRET_LABEL.name}=${configName}`);
  return terms.join(',');
}

/** Seconds since the epoch, as in the labels. */
export function unixSeconds(ms: number): string {
  return String(Math.floor(ms / 1000));
}

/** Time of a label in milliseconds since the epoch. Undefined if it is missing, empty or not a number. */
export function labelledTime(labels: SecretLabels, key: string): number | undefined {
  const text = labels[key] ?? '';
  return /^\d{1,12}$/.test(text) ? Number(text) * 1000 : undefined;
}

/** Labels with the validity of a certificate. */
export function lifetimeLabels({ from, until }: Validity): SecretLabels {
  return { [SECRET_LABEL.issuedAt]: unixSeconds(from), [SECRET_LABEL.validUntil]: unixSeconds(until) };
}
