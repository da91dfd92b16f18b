import type { RepositoryId, TagEntry, TagKey, TagStore } from '../../../src/store/types.ts';

export class MemoryTags implements TagStore {
  readonly #entries = new Map<string, TagEntry>();

  tag(key: TagKey): TagEntry | undefined {
    return this.#entries.get(tagId(key, key.tag, key.acceptClass));
  }

  putTag(key: TagKey, entry: TagEntry): void {
    this.#entries.set(tagId(key, key.tag, key.acceptClass), entry);
  }

  tagClasses(repositoryId: RepositoryId, tag: string): { acceptClass: string; entry: TagEntry }[] {
    const prefix = tagId(repositoryId, tag, '');
    return [...this.#entries]
      .filter(([id]) => id.startsWith(prefix))
      .map(([id, entry]) => ({ acceptClass: id.slice(prefix.length), entry }));
  }

  dropTag(repositoryId: RepositoryId, tag: string): void {
    const prefix = tagId(repositoryId, tag, '');
    for (const id of this.#entries.keys()) if (id.startsWith(prefix)) this.#entries.delete(id);
  }
}

/** `upstream/repository`. */
export function placeOf(repositoryId: RepositoryId): string {
  return `${repositoryId.upstream}/${repositoryId.repository}`;
}

function tagId(repositoryId: RepositoryId, tag: string, acceptClass: string): string {
  return `${placeOf(repositoryId)}:${tag} ${acceptClass}`;
}
