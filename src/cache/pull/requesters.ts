import { isLarderError, type LarderError } from '../../kit/errors.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Origin } from '../../store/types.ts';
import { UpstreamRefusal } from '../../upstream/refusal.ts';
import { originOf, type Target } from '../access/target.ts';

/** Callers that can continue one fill; with more than this the fill is safe, and each keeps a credential in memory. */
const MOST = 16;

interface Source {
  readonly target: Target;
  /** True once the upstream has said to this caller that their repository has the blob. */
  hasIt: boolean;
  refusal: LarderError | undefined;
}

/**
 * The callers in whose name one blob may be fetched from its upstream: who asked first, and those who joined after they had
 * proven access to their repository (law 4). When the one in use is refused, the next takes over through its own repository.
 */
export class Sources {
  readonly #all: Source[];
  #current = 0;

  constructor(first: Target) {
    this.#all = [{ target: first, hasIt: false, refusal: undefined }];
  }

  get current(): Target {
    return (this.#all[this.#current] as Source).target;
  }

  /** Counts in a caller who may read this repository; `hasIt`: the upstream has told them that the blob is in it. */
  add(target: Target, hasIt: boolean): void {
    const same = this.#find(target);
    if (same !== undefined) {
      same.refusal = undefined;
      same.hasIt ||= hasIt;
    } else if (this.#all.length < MOST) this.#all.push({ target, hasIt, refusal: undefined });
  }

  /** True when the upstream's answer to somebody here is its answer to this caller too. */
  speakFor(target: Target): boolean {
    const same = this.#find(target);
    return same !== undefined && same.refusal === undefined;
  }

  /** True when somebody here asks through this repository, and was not refused. */
  askIn(repository: RepositoryName): boolean {
    return this.#all.some(({ target, refusal }) => refusal === undefined && target.repository === repository);
  }

  /** True when the upstream has said to somebody here that this repository has the blob. */
  haveItIn(repository: RepositoryName): boolean {
    return this.#all.some(({ target, hasIt }) => hasIt && target.repository === repository);
  }

  /** Where the upstream has said so. */
  origins(): Origin[] {
    return this.#all.filter(({ hasIt }) => hasIt).map(({ target }) => originOf(target));
  }

  /** Notes that the upstream serves the one in use. */
  accept(): void {
    (this.#all[this.#current] as Source).hasIt = true;
  }

  /** Notes that it does not. True when another takes over. */
  passOn(refusal: LarderError): boolean {
    (this.#all[this.#current] as Source).refusal = refusal;
    const next = this.#all.findIndex((source) => source.refusal === undefined);
    if (next === -1) return false;
    this.#current = next;
    return true;
  }

  /** What the upstream told this caller, if that was a refusal. */
  refusalOf(target: Target): LarderError | undefined {
    return this.#find(target)?.refusal;
  }

  #find({ requester, repository }: Target): Source | undefined {
    return this.#all.find(
      ({ target }) => target.requester.key === requester.key && target.repository === repository,
    );
  }
}

/** What concerns whoever asked, so that another caller may fare better: 401, 403, 404, and a 429 for this account. */
export function concernsCaller(error: unknown): error is LarderError {
  return error instanceof UpstreamRefusal
    ? [401, 403, 404, 410].includes(error.upstreamStatus)
    : isLarderError(error, 'UPSTREAM_RATE_LIMITED');
}
