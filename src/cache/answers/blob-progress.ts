import type { Digest } from '../../oci/digest.ts';
import type { ByteRange } from '../../oci/range.ts';
import type { ContentStore, RepositoryId, Presence } from '../../store/types.ts';
import { repositoryIdOf, type Target } from '../access/target.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import type { PullEngine } from '../pull/engine.ts';
import type { Fill } from '../pull/fill.ts';
import type { BlobFacts, FillFacts } from './decide-blob.ts';
import { FillShare } from './fill-share.ts';

export interface BlobProgressDeps {
  readonly store: Pick<ContentStore, 'presence'>;
  readonly pulls: Pick<PullEngine, 'running'>;
}

/** One blob request on its way. Gathers each fact only when it is read, since some cost a look-up. */
export class BlobProgress implements BlobFacts {
  readonly exchange: RegistryExchange;
  readonly target: Target;
  readonly digest: Digest;
  readonly repositoryId: RepositoryId;
  isConfirmed = false;
  isAuthorized = false;
  /** Range that the answer gives, once headers are out. */
  begun: ByteRange | undefined;

  readonly #deps: BlobProgressDeps;
  #round = 1;
  #presence: Presence | undefined;
  #share: FillShare | undefined;

  constructor(deps: BlobProgressDeps, exchange: RegistryExchange, target: Target, digest: Digest) {
    this.#deps = deps;
    this.exchange = exchange;
    this.target = target;
    this.digest = digest;
    this.repositoryId = repositoryIdOf(target);
  }

  get isHead(): boolean {
    return this.exchange.isHead;
  }

  get hasBegun(): boolean {
    return this.begun !== undefined;
  }

  get hasLiveProof(): boolean {
    return this.target.requester.hasLiveProof();
  }

  get presence(): Presence {
    this.#presence ??= this.#deps.store.presence(this.digest, this.repositoryId);
    return this.#presence;
  }

  get fill(): FillFacts | undefined {
    if (this.#share === undefined) {
      const running = this.#deps.pulls.running(this.target.upstream.name, this.digest);
      if (running !== undefined) this.take(running, false);
    }
    return this.#share;
  }

  /** The part in the fill of this round. */
  get share(): FillShare {
    if (this.#share === undefined) throw new TypeError('no fill in this round');
    return this.#share;
  }

  get round(): number {
    return this.#round;
  }

  /** Makes `fill` the one of this round. `isFirst`: this request has started it. */
  take(fill: Fill, isFirst: boolean): void {
    this.#share = new FillShare(fill, this.target, isFirst);
  }

  /** The store could not open the blob: this round goes on without the stored copy. */
  missStored(): void {
    this.#presence = 'absent';
  }

  /** Begins a new round, which looks at the store and for a fill again. */
  nextRound(): void {
    this.#round += 1;
    this.#presence = undefined;
    this.#share = undefined;
  }
}
