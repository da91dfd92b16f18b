import type { Validity } from '../../kube/certificates/key-pair.ts';
import { configChecksum, secretName, signingChecksum } from './checksums.ts';
import type { ManagedSecret } from './managed-secret.ts';
import { issueTime, newestFirst } from './rotation-starts.ts';
import { labelledTime, SECRET_LABEL, SECRETS_MANAGER, type SecretLabels } from './secret-labels.ts';

/** Time that a certificate is valid. Years are those of the calendar. */
export type Lifetime = { readonly days: number } | { readonly years: number };

/** Rule for the time of the previous authority in the bundle. `forMs` counts from the last certificate of the current one. */
export type OldAuthorityRule = 'kept' | 'dropped' | { readonly forMs: number };

export interface AuthorityConfig {
  readonly name: string;
  readonly lifetime: Lifetime;
  /** See `AUTHORITY_CHECKSUMS`. */
  readonly checksum: string;
  readonly old: OldAuthorityRule;
  /** True: gardenlet carries the Secret over to another seed. */
  readonly persist?: boolean;
}

export interface ServerConfig {
  readonly name: string;
  readonly commonName: string;
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly lifetime: Lifetime;
}

/** Everything that a secrets manager decides by. */
export interface SecretsState {
  readonly identity: string;
  /** Secrets of this identity. */
  readonly existing: readonly ManagedSecret[];
  /** See `rotationStarts`. */
  readonly starts: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A Secret to use, or to create if it does not exist. The labels with its lifetime are added from its content. */
export interface SecretPlan {
  readonly name: string;
  readonly configName: string;
  readonly labels: SecretLabels;
  readonly existing: ManagedSecret | undefined;
}

export function planAuthority(state: SecretsState, { name, checksum, persist }: AuthorityConfig): SecretPlan {
  return plan(state, name, [checksum], persist === true ? { [SECRET_LABEL.persist]: 'true' } : {});
}

/**
 * The previous authority that is still trusted. One that has ended is not. With `forMs` it stays as long as a Secret signed by it exists,
 * since a program that has not read the newer one serves it.
 */
export function oldAuthority(
  { existing, now }: SecretsState,
  { name, old: rule }: AuthorityConfig,
  current: ManagedSecret,
): ManagedSecret | undefined {
  const others = newestFirst(existing).filter(
    (one) => one.labels[SECRET_LABEL.name] === name && one.name !== current.name && !hasEnded(one, now),
  );
  // One that has not signed yet is not missed.
  const old = others.find((one) => signedBy(one, existing).length > 0) ?? others[0];
  if (rule === 'dropped' || old === undefined) return undefined;
  if (rule === 'kept' || signedBy(old, existing).length > 0) return old;
  const issued = [current, ...signedBy(current, existing)].map(issueTime);
  return now < Math.max(...issued) + rule.forMs ? old : undefined;
}

export function planBundle(
  state: SecretsState,
  { name }: AuthorityConfig,
  certificates: readonly string[],
): SecretPlan {
  const config = { name: `${name}-bundle`, certificates };
  return plan(state, config.name, [configChecksum(config)], { [SECRET_LABEL.bundleFor]: name });
}

export function planServer(state: SecretsState, config: ServerConfig, signer: ManagedSecret): SecretPlan {
  const signing = signingChecksum(signer.data);
  return plan(state, config.name, [configChecksum({ config, signing }), signing], {
    [SECRET_LABEL.signingChecksum]: signing,
  });
}

/** Secrets of the identity that are not in use. */
export function unusedSecrets(
  existing: readonly ManagedSecret[],
  used: ReadonlySet<string>,
): readonly ManagedSecret[] {
  return existing.filter(({ name }) => !used.has(name));
}

export function hasEnded({ labels }: ManagedSecret, now: number): boolean {
  return now >= (labelledTime(labels, SECRET_LABEL.validUntil) ?? Infinity);
}

/** Validity that begins at `now`, in whole seconds. */
export function validityFrom(now: number, lifetime: Lifetime): Validity {
  const from = Math.floor(now / 1000) * 1000;
  const end = new Date(from);
  if ('days' in lifetime) end.setUTCDate(end.getUTCDate() + lifetime.days);
  else end.setUTCFullYear(end.getUTCFullYear() + lifetime.years);
  return { from, until: end.getTime() };
}

/** `checksums` begins with that of the configuration, and has that of the signing authority if there is one. */
function plan(
  { identity, existing, starts }: SecretsState,
  configName: string,
  checksums: readonly [string, string?],
  more: SecretLabels,
): SecretPlan {
  const start = starts.get(configName) ?? '';
  const name = secretName(
    configName,
    checksums.filter((one) => one !== undefined),
    start,
  );
  return {
    name,
    configName,
    labels: {
      [SECRET_LABEL.name]: configName,
      [SECRET_LABEL.managedBy]: SECRETS_MANAGER,
      [SECRET_LABEL.identity]: identity,
      [SECRET_LABEL.configChecksum]: checksums[0],
      [SECRET_LABEL.rotationStart]: start,
      ...more,
    },
    existing: existing.find((one) => one.name === name),
  };
}

function signedBy(authority: ManagedSecret, secrets: readonly ManagedSecret[]): readonly ManagedSecret[] {
  const checksum = signingChecksum(authority.data);
  return secrets.filter(({ labels }) => labels[SECRET_LABEL.signingChecksum] === checksum);
}
