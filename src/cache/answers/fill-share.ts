import { untilAborted } from '../../kit/abort.ts';
import type { LarderError } from '../../kit/errors.ts';
import type { Target } from '../access/target.ts';
import { isStoreFailure, type Fill } from '../pull/fill.ts';
import type { FillFacts } from './decide-blob.ts';

/** The part that one request takes in a fill. */
export class FillShare implements FillFacts {
  readonly fill: Fill;
  /** True if this request has started the fill. */
  readonly isFirst: boolean;
  readonly #target: Target;
  #outcome: 'joined' | 'unstored' | 'failed' | undefined;
  #failure: unknown;

  constructor(fill: Fill, target: Target, isFirst: boolean) {
    this.fill = fill;
    this.isFirst = isFirst;
    this.#target = target;
  }

  get state(): FillFacts['state'] {
    return this.#outcome ?? (this.fill.isOpening ? 'opening' : 'open');
  }

  get refusesCaller(): boolean {
    return this.refusal !== undefined;
  }

  get speaksForCaller(): boolean {
    return this.fill.requesters.speakFor(this.#target);
  }

  get asksInRepository(): boolean {
    return this.fill.requesters.askIn(this.#target.repository);
  }

  get isInRepository(): boolean {
    return this.fill.requesters.haveItIn(this.#target.repository);
  }

  get knowsSize(): boolean {
    return this.fill.size !== undefined;
  }

  /** The upstream's refusal of this caller. */
  get refusal(): LarderError | undefined {
    return this.fill.requesters.refusalOf(this.#target);
  }

  /** The reason for the states `unstored` and `failed`. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Adds the caller to those in whose name the fill may ask. `isConfirmed`: the upstream has confirmed the blob to this caller. */
  join(isConfirmed: boolean): void {
    this.fill.requesters.add(this.#target, isConfirmed);
  }

  /** Waits until the upstream has accepted the fill, or the fill has failed. Rejects only with the signal's reason. */
  async waitForUpstream(signal: AbortSignal): Promise<void> {
    this.#failure = await untilAborted(
      this.fill.opened.catch((error: unknown) => error),
      signal,
    );
    if (this.#failure === undefined) this.#outcome = 'joined';
    else this.#outcome = isStoreFailure(this.#failure) ? 'unstored' : 'failed';
  }
}
