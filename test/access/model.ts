/** Who may have what, in a few lines: what the upstream allows, and which of its answers still prove something. */
import type { RequestRecord } from '../kit/index.ts';

export interface Lifetimes {
  readonly proofMs: number;
  /** How long a repository that was public counts as public while the upstream is down. */
  readonly outageMs: number;
}

/** An anonymous refusal may answer for others for so long (decision 0005). */
const CHALLENGE_MS = 5_000;

/** After a failure that an older proof made up for, the upstream is left alone for so long (contract: normal within 10 s). */
const PAUSE_MS = 5_000;

export class Model {
  readonly passwords = new Map<string, string>();
  #isDown = false;
  #upAt = -Infinity;
  readonly #lifetimes: Lifetimes;
  readonly #repositories = new Map<string, { isPublic: boolean; readers: Set<string>; openedAt: number }>();
  readonly #tokens = new Map<string, { user: string | undefined; repository: string; reads: boolean }>();
  /** When the upstream last served this credential in this repository; for a list, which proves nothing else, under its path. */
  readonly #proofs = new Map<string, number>();
  /** When the upstream last served Larder itself there, without anybody's credential; lists as well under their path. */
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

  /** True when strangers may still be refused there, because they were before. */
  hasJustOpened(repository: string, now: number): boolean {
    const { isPublic = false, openedAt = 0 } = this.#repositories.get(repository) ?? {};
    return isPublic && now < openedAt + CHALLENGE_MS;
  }

  /** A credential that a caller holds: what a token is good for is settled when it is issued. */
  learn(credential: string | undefined, user: string | undefined, repository: string): void {
    if (!credential?.startsWith('Bearer ') || this.#tokens.has(credential)) return;
    this.#tokens.set(credential, { user, repository, reads: this.mayRead(user, repository) });
  }

  /** The upstream takes back the tokens of this user, or of everybody. */
  endTokens(user?: string): void {
    for (const token of this.#tokens.values()) {
      if (user === undefined || token.user === user) token.reads = false;
    }
  }

  /** The cache forgets what was proven, apart from what is public. */
  restart(): void {
    this.#proofs.clear();
  }

  /** True when a cache may answer this path with content: the upstream would, or has, and not too long ago. */
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
   * Takes over what the upstream's answers to one question prove, and what its refusals end. A refusal with which a client then got a
   * better token is none.
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
