import type { RepositoryId, PublicRepositories } from '../../../src/store/types.ts';
import { placeOf } from './tags.ts';

export class MemoryPublicRepositories implements PublicRepositories {
  readonly #at = new Map<string, number>();

  publicAt(repositoryId: RepositoryId): number | undefined {
    return this.#at.get(placeOf(repositoryId));
  }

  setPublic(repositoryId: RepositoryId, at: number | undefined): void {
    if (at === undefined) this.#at.delete(placeOf(repositoryId));
    else this.#at.set(placeOf(repositoryId), at);
  }
}
