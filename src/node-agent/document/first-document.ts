import type { Clock } from '../../kit/clock.ts';
import type { NodeDocument } from '../../fleet/node-document.ts';
import type { DocumentSource } from './document-source.ts';

const LIMIT_MS = 5_000;

/** The document that `source` has next; undefined when it has none within 5 s. The source cannot be watched again. */
export async function firstDocument(source: DocumentSource, clock: Clock): Promise<NodeDocument | undefined> {
  const limit = new AbortController();
  const cancel = clock.after(LIMIT_MS, () => limit.abort());
  let document: NodeDocument | undefined;
  try {
    await source.watch(limit.signal, (found) => {
      document ??= found;
      limit.abort();
    });
  } finally {
    cancel();
  }
  return document;
}
