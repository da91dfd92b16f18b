import { isLarderError, type LarderError } from '../../kit/errors.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { RepositoryId } from '../../store/types.ts';
import { UpstreamRefusal } from '../../upstream/refusal.ts';
import { repositoryIdOf, type Target } from '../access/target.ts';

/** Most requesters of one fill. So many keep the fill going, and each one keeps a credential in memory. */
const MAX_REQUESTERS = 16;

interface Entry {
  readonly target: Target;
  /** True once the upstream has confirmed to this requester that its repository has the blob. */
  hasIt: boolean;
  refusal: LarderError | undefined;
}

/**
 * The requesters on whose behalf a fill may ask its upstream: the first, and those that joined with proven access to their
 * repository (docs/laws.md, "Right caller"). When the upstream refuses the current requester, the next one takes over
 * through its own repository.
 */
export class Requesters {
  readonly #all: Entry[];
  #current = 0;

  constructor(first: Target) {
    this.#all = [{ target: first, hasIt: false, refusal: undefined }];
  }

  get current(): Target {
    return (this.#all[this.#current] as Entry).target;
  }

  /** Adds a requester that may read its repository. `hasIt`: the upstream has confirmed to it that the blob is there. */
  add(target: Target, hasIt: boolean): void {
    const same = this.#find(target);
    if (same !== undefined) {
      same.refusal = undefined;
      same.hasIt ||= hasIt;
    } else if (this.#all.length < MAX_REQUESTERS) this.#all.push({ target, hasIt, refusal: undefined });
  }

  /** True if an equal requester is here and was not refused: the upstream's answer to it holds for `target` too. */
  hasAnswerFor(target: Target): boolean {
    const same = this.#find(target);
    return same !== undefined && same.refusal === undefined;
  }

  /** True if a requester that was not refused asks through this repository. */
  isAskedIn(repository: RepositoryName): boolean {
    return this.#all.some(({ target, refusal }) => refusal === undefined && target.repository === repository);
  }

  /** True if the upstream has confirmed to a requester that this repository has the blob. */
  isConfirmedIn(repository: RepositoryName): boolean {
    return this.#all.some(({ target, hasIt }) => hasIt && target.repository === repository);
  }

  /** Repositories in which the upstream has confirmed the blob. */
  repositoryIds(): RepositoryId[] {
    return this.#all.filter(({ hasIt }) => hasIt).map(({ target }) => repositoryIdOf(target));
  }

  /** True if the upstream has confirmed the blob in this repository only to callers with logins of their own. */
  isForCallersIn(repository: RepositoryName): boolean {
    return this.#all
      .filter(({ target, hasIt }) => hasIt && target.repository === repository)
      .every(({ target }) => target.requester.isApart);
  }

  /** Records that the upstream serves the current requester. */
  accept(): void {
    (this.#all[this.#current] as Entry).hasIt = true;
  }

  /** Records that the upstream refuses the current requester. True if another takes over. */
  handOver(refusal: LarderError): boolean {
    (this.#all[this.#current] as Entry).refusal = refusal;
    const next = this.#all.findIndex((entry) => entry.refusal === undefined);
    if (next === -1) return false;
    this.#current = next;
    return true;
  }

  /** The refusal that an equal requester got from the upstream, if it got one. */
  refusalOf(target: Target): LarderError | undefined {
    return this.#find(target)?.refusal;
  }

  #find({ requester, repository }: Target): Entry | undefined {
    return this.#all.find(
      ({ target }) => target.requester.key === requester.key && target.repository === repository,
    );
  }
}

/**
 * True if the error concerns only the requester, and another may succeed: 401, 403, 404, 410, or a 429 for its credential.
 */
export function concernsCaller(error: unknown): error is LarderError {
  return error instanceof UpstreamRefusal
    ? [401, 403, 404, 410].includes(error.upstreamStatus)
    : isLarderError(error, 'UPSTREAM_RATE_LIMITED');
}
