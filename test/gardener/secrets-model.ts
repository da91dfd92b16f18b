/** Secrets in memory without cryptography, and the runs of managers on them step by step: a model for histories of the secrets manager. */
import {
  managedSecretOf,
  managedSecretObject,
  type ManagedSecret,
} from '../../src/gardener/secrets-manager/managed-secret.ts';
import { rotationStarts } from '../../src/gardener/secrets-manager/rotation-starts.ts';
import { lifetimeLabels } from '../../src/gardener/secrets-manager/secret-labels.ts';
import {
  oldAuthority,
  planAuthority,
  planBundle,
  planServer,
  unusedSecrets,
  type AuthorityConfig,
  type SecretPlan,
  type SecretsState,
  type ServerConfig,
} from '../../src/gardener/secrets-manager/secret-plan.ts';

export const DAY_MS = 24 * 3600_000;
export const AUTHORITY_DAYS = 30;
const SERVER_DAYS = 3652;

/** Names of Secrets depend on the configuration and not on the identity, so each identity has configurations of its own. */
export const authorityOf = (identity: string): AuthorityConfig => ({
  name: `ca-${identity}`,
  checksum: '1',
  lifetime: { days: AUTHORITY_DAYS },
  old: { forMs: DAY_MS },
});
export const serverOf = (identity: string): ServerConfig => ({
  name: `server-${identity}`,
  commonName: 'server',
  names: ['a.b'],
  lifetime: { days: SERVER_DAYS },
});

/** Result of a run. */
export interface RunResult {
  readonly at: number;
  readonly current: ManagedSecret;
  readonly old: ManagedSecret | undefined;
  readonly signer: ManagedSecret;
  readonly server: ManagedSecret;
  readonly bundle: ManagedSecret;
}

export class SecretsModel {
  now = 1_700_000_000_000;
  readonly secrets = new Map<string, ManagedSecret>();
  #serial = 0;

  /** Secrets of one identity. */
  of(identity: string): ManagedSecret[] {
    return [...this.secrets.values()].filter(({ labels }) => labels['manager-identity'] === identity);
  }

  /** Steps of one run as the manager does it. Other runs may come between two steps. */
  *run(identity: string, signWith: 'current' | 'old'): Generator<void, RunResult, void> {
    const existing = this.of(identity);
    const { now } = this;
    const starts = rotationStarts(existing, now, { rotatesAuthorities: true });
    const state: SecretsState = { identity, existing, starts, now };
    yield;
    const current = this.#ensure(
      planAuthority(state, authorityOf(identity)),
      AUTHORITY_DAYS,
      now,
      (name) => ({
        'ca.crt': `<${name} ${this.#serial}>`,
        'ca.key': '',
      }),
    );
    yield;
    const old = oldAuthority(state, authorityOf(identity), current);
    const trusted = [current, ...(old ? [old] : [])].map(certificateOf);
    const bundle = this.#ensure(planBundle(state, authorityOf(identity), trusted), undefined, now, () => ({
      'bundle.crt': trusted.join(''),
    }));
    yield;
    const signer = signWith === 'old' ? (old ?? current) : current;
    const server = this.#ensure(planServer(state, serverOf(identity), signer), SERVER_DAYS, now, () => ({
      'tls.crt': `server ${this.#serial} by ${certificateOf(signer)}`,
      'tls.key': '',
    }));
    const used = new Set([current, old, bundle, server].flatMap((one) => (one ? [one.name] : [])));
    yield;
    for (const { name, uid } of unusedSecrets(existing, used))
      if (this.secrets.get(name)?.uid === uid) this.secrets.delete(name);
    return { at: now, current, old, signer, server, bundle };
  }

  #ensure(
    { name, labels, existing }: SecretPlan,
    days: number | undefined,
    now: number,
    make: (name: string) => Record<string, string>,
  ): ManagedSecret {
    const found = existing ?? this.secrets.get(name);
    if (found !== undefined) return found;
    this.#serial += 1;
    const lifetime =
      days === undefined ? {} : lifetimeLabels({ from: now - 60_000, until: now + days * DAY_MS });
    const object = managedSecretObject('garden', name, { ...labels, ...lifetime }, make(name));
    const creationTimestamp = `${new Date(this.now).toISOString().slice(0, 19)}Z`;
    const metadata = { ...object.metadata, uid: String(this.#serial), creationTimestamp };
    const created = managedSecretOf({ ...object, metadata });
    this.secrets.set(name, created);
    return created;
  }
}

export function certificateOf({ data }: ManagedSecret): string {
  return data['ca.crt'] ?? '';
}
