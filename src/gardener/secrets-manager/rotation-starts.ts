import { rotationSuffix } from './checksums.ts';
import { isAuthoritySecret, type ManagedSecret } from './managed-secret.ts';
import { labelledTime, SECRET_LABEL, unixSeconds } from './secret-labels.ts';

const DAY_MS = 24 * 3600_000;

/** A certificate is renewed after this share of its life, or this long before its end if that is earlier. */
const RENEWAL_SHARE = 0.8;
const RENEWAL_MS = 10 * DAY_MS;

export interface RotationOptions {
  /**
   * True: authorities are renewed like certificates. False: only at the starts that are given. With `beforeEndMs`: at those, and that long
   * before their end.
   */
  readonly rotatesAuthorities: boolean | { readonly beforeEndMs: number };
  /** Starts of rotations, in milliseconds since the epoch, by the name of the configuration. */
  readonly rotationStarts?: ReadonlyMap<string, number> | undefined;
}

/**
 * Starts of the last rotations by the name of the configuration, in seconds since the epoch; empty if there was none. The newest Secret of
 * a configuration counts. If it is due for renewal, a rotation starts at the time when it became due: two replicas that find out at
 * different times start the same rotation, and so create the same Secret. A given start goes first, but not
 * before a renewal by `beforeEndMs` that has begun after it.
 */
export function rotationStarts(
  existing: readonly ManagedSecret[],
  now: number,
  { rotatesAuthorities, rotationStarts: given = new Map() }: RotationOptions,
): ReadonlyMap<string, string> {
  const starts = new Map<string, string>();
  for (const [configName, secrets] of Map.groupBy(
    existing,
    ({ labels }) => labels[SECRET_LABEL.name] ?? '',
  )) {
    const [newest] = newestFirst(secrets);
    if (newest === undefined) continue;
    const dueAt = renewalTime(newest, rotatesAuthorities);
    starts.set(
      configName,
      dueAt < now ? newStart(dueAt, secrets) : (newest.labels[SECRET_LABEL.rotationStart] ?? ''),
    );
  }
  for (const [configName, at] of given) {
    const start = unixSeconds(at);
    const isLater = Number(start) > Number(starts.get(configName) ?? '');
    if (isLater || typeof rotatesAuthorities === 'boolean') starts.set(configName, start);
  }
  return starts;
}

/** Sorts by the time of creation. That is in whole seconds, so the time of issue decides among equals. */
export function newestFirst(secrets: readonly ManagedSecret[]): readonly ManagedSecret[] {
  return secrets.toSorted(
    (a, b) => b.createdAt - a.createdAt || issueTime(b) - issueTime(a) || (a.name < b.name ? 1 : -1),
  );
}

/** Time of issue by the label, in milliseconds since the epoch; the time of creation without one. */
export function issueTime({ labels, createdAt }: ManagedSecret): number {
  return labelledTime(labels, SECRET_LABEL.issuedAt) ?? createdAt;
}

/** Time in milliseconds since the epoch. Infinity for a Secret that is not renewed. */
function renewalTime(
  secret: ManagedSecret,
  rotatesAuthorities: RotationOptions['rotatesAuthorities'],
): number {
  const from = labelledTime(secret.labels, SECRET_LABEL.issuedAt);
  const until = labelledTime(secret.labels, SECRET_LABEL.validUntil);
  if (from === undefined || until === undefined) return Infinity;
  if (isAuthoritySecret(secret) && rotatesAuthorities !== true)
    return rotatesAuthorities === false ? Infinity : Math.max(0, until - rotatesAuthorities.beforeEndMs);
  return Math.max(0, Math.min(from + (until - from) * RENEWAL_SHARE, until - RENEWAL_MS));
}

/** The first second from `dueAt` on that gives a name which no Secret of the configuration has. */
function newStart(dueAt: number, secrets: readonly ManagedSecret[]): string {
  for (let at = dueAt; ; at += 1000) {
    const start = unixSeconds(at);
    if (!secrets.some(({ name }) => name.endsWith(`-${rotationSuffix(start)}`))) return start;
  }
}
