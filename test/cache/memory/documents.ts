import type { Documents } from '../../../src/store/types.ts';

export class MemoryDocuments implements Documents {
  readonly documents = new Map<string, Buffer>();

  readDocument(name: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.documents.get(name));
  }

  writeDocument(name: string, content: Buffer): Promise<void> {
    this.documents.set(name, content);
    return Promise.resolve();
  }
}
