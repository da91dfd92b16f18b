/** A model of the access rules in a few lines: what the upstream allows, and which of its answers still prove access. */
import type { RequestRecord } from '../kit/index.ts';

export interface Lifetimes {
  readonly proofMs: number;
  /** Time for which a public repository still counts as public while the upstream is down. */
  readonly outageMs: number;
}

/** Time for which an anonymous refusal may answer further requests (decision 0005). */
const CHALLENGE_MS = 5_000;

/**
 * Time for which the upstream is not asked after a failure that an older proof excused (docs/laws.md, "Do no harm": normal
 * within 10 s).
 */
const PAUSE_MS = 5_000;

export class Model {
  readonly passwords = new Map<string, string>();
  #isDown = false;
  #upAt = -Infinity;
  readonly #lifetimes: Lifetimes;
  readonly #repositories = new Map<string, { isPublic: boolean; readers: Set<string>; openedAt: number }>();
  readonly #tokens = new Map<string, { user: string | undefined; repository: string; reads: boolean }>();
  /**
   * Time at which the upstream last served a credential in a repository. A list proves only itself, so its key has the
   * path.
   */
  readonly #proofs = new Map<string, number>();
  /** Time at which the upstream last served Larder itself, without a caller's credential. Keys of lists have the path too. */
  readonly #flags = new Map<string, number>();

  constructor(lifetimes: Lifetimes) {
    this.#lifetimes = lifetimes;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  goDown(): void {
    this.#isDown = true;
  }

  goUp(now: number): void {
    this.#isDown = false;
    this.#upAt = now;
  }

  setAccess(
    repository: string,
    access: { isPublic: boolean; readers: readonly string[] },
    now: number,
  ): void {
    const before = this.#repositories.get(repository);
    const openedAt = access.isPublic && before?.isPublic !== true ? now : (before?.openedAt ?? 0);
    this.#repositories.set(repository, {
      isPublic: access.isPublic,
      readers: new Set(access.readers),
      openedAt,
    });
  }

  accessOf(repository: string): { isPublic: boolean; readers: readonly string[] } {
    const { isPublic = false, readers = [] } = this.#repositories.get(repository) ?? {};
    return { isPublic, readers: [...readers] };
  }

  mayRead(user: string | undefined, repository: string): boolean {
    const { isPublic, readers } = this.accessOf(repository);
    return isPublic || (user !== undefined && readers.includes(user));
  }

  /** True if anonymous callers may still be refused there, because they were before it became public. */
  hasJustOpened(repository: string, now: number): boolean {
    const { isPublic = false, openedAt = 0 } = this.#repositories.get(repository) ?? {};
    return isPublic && now < openedAt + CHALLENGE_MS;
  }

  /** Records the credential of a caller. The rights of a token are fixed when it is issued. */
  learn(credential: string | undefined, user: string | undefined, repository: string): void {
    if (!credential?.startsWith('Bearer ') || this.#tokens.has(credential)) return;
    this.#tokens.set(credential, { user, repository, reads: this.mayRead(user, repository) });
  }

  /** Revokes the tokens of this user, or of all users. */
  endTokens(user?: string): void {
    for (const token of this.#tokens.values()) {
      if (user === undefined || token.user === user) token.reads = false;
    }
  }

  /** Forgets all proofs except the public ones, as a restarted cache does. */
  restart(): void {
    this.#proofs.clear();
  }

  /** True if a cache may answer this path with content: the upstream would serve it, or did so recently enough. */
  mayGive(credential: string | undefined, repository: string, path: string, now: number): boolean {
    if (!this.isDown && this.#allows(credential, repository)) return true;
    const { proofMs, outageMs } = this.#lifetimes;
    const isOutage = this.isDown || now < this.#upAt + PAUSE_MS;
    const isWithin = (limitMs: number, provenAt = -Infinity): boolean => now - provenAt <= limitMs;
    const list = `${repository} ${path}`;
    if (isOutage && isWithin(outageMs, this.#flags.get(repository))) return true;
    if (credential === undefined) {
      const listMs = isOutage ? outageMs : proofMs;
      return isWithin(proofMs, this.#flags.get(repository)) || isWithin(listMs, this.#flags.get(list));
    }
    return [repository, list].some((what) => isWithin(proofMs, this.#proofs.get(`${credential} ${what}`)));
  }

  /**
   * Applies what the upstream's answers to one question prove, and what its refusals end. A refusal after which the client
   * got a better token does not count.
   */
  follow(requests: readonly RequestRecord[], now: number): void {
    const refusals = new Map<string, Map<string, number>>();
    for (const { authorization, repository, path, kind, status } of requests) {
      if (repository === undefined || !['manifest', 'blob', 'tags', 'referrers'].includes(kind)) continue;
      const isList = kind === 'tags' || kind === 'referrers';
      const [proofs, key] = this.#isCallers(authorization.raw)
        ? [this.#proofs, `${authorization.raw} ${repository}`]
        : [this.#flags, repository];
      refusals.delete(key);
      if (status >= 200 && status < 300) proofs.set(isList ? `${key} ${path}` : key, now);
      if (status === 401 || status === 403) refusals.set(key, proofs);
    }
    for (const [key, proofs] of refusals) {
      for (const one of proofs.keys()) if (one === key || one.startsWith(`${key} `)) proofs.delete(one);
    }
  }

  #isCallers(credential: string | undefined): boolean {
    return credential !== undefined && (credential.startsWith('Basic ') || this.#tokens.has(credential));
  }

  #allows(credential: string | undefined, repository: string): boolean {
    if (credential === undefined) return this.mayRead(undefined, repository);
    const token = this.#tokens.get(credential);
    if (token) return token.reads && token.repository === repository;
    const [user = '', password] = Buffer.from(credential.replace('Basic ', ''), 'base64')
      .toString()
      .split(':');
    return this.passwords.get(user) === password && this.mayRead(user, repository);
  }
}
