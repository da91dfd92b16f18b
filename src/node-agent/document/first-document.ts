import type { Clock } from '../../kit/clock.ts';
import type { NodeDocument } from '../../fleet/node-document.ts';
import type { DocumentSource } from './document-source.ts';

const LIMIT_MS = 5_000;

/** Next document of `source`. Undefined if there is none within 5 s. The source cannot be watched again. */
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
