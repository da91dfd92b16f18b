import type { Origin, PublicRepositories } from '../../../src/store/types.ts';
import { placeOf } from './tags.ts';

export class MemoryPublicRepositories implements PublicRepositories {
  readonly #at = new Map<string, number>();

  publicAt(origin: Origin): number | undefined {
    return this.#at.get(placeOf(origin));
  }

  setPublic(origin: Origin, at: number | undefined): void {
    if (at === undefined) this.#at.delete(placeOf(origin));
    else this.#at.set(placeOf(origin), at);
  }
}
