import type { Origin, TagEntry, TagKey, TagStore } from '../../../src/store/types.ts';

export class MemoryTags implements TagStore {
  readonly #entries = new Map<string, TagEntry>();

  tag(key: TagKey): TagEntry | undefined {
    return this.#entries.get(tagId(key, key.tag, key.acceptClass));
  }

  putTag(key: TagKey, entry: TagEntry): void {
    this.#entries.set(tagId(key, key.tag, key.acceptClass), entry);
  }

  tagClasses(origin: Origin, tag: string): { acceptClass: string; entry: TagEntry }[] {
    const prefix = tagId(origin, tag, '');
    return [...this.#entries]
      .filter(([id]) => id.startsWith(prefix))
      .map(([id, entry]) => ({ acceptClass: id.slice(prefix.length), entry }));
  }

  dropTag(origin: Origin, tag: string): void {
    const prefix = tagId(origin, tag, '');
    for (const id of this.#entries.keys()) if (id.startsWith(prefix)) this.#entries.delete(id);
  }
}

/** `upstream/repository`. */
export function placeOf(origin: Origin): string {
  return `${origin.upstream}/${origin.repository}`;
}

function tagId(origin: Origin, tag: string, acceptClass: string): string {
  return `${placeOf(origin)}:${tag} ${acceptClass}`;
}
