/**
 * Splits `body` at line feeds, and gives the lines without them, each as soon as it is complete; empty ones are left out. One loop
 * reads, so nothing can overtake. Throws `onFault('long')` for a line above `limit` bytes, and `onFault('cut')` when the body ends
 * within a line.
 */
export async function* lines(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  onFault: (fault: 'long' | 'cut') => Error,
): AsyncGenerator<string> {
  /** Pieces of the line that is not complete yet. */
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      pieces.push(chunk.subarray(start, end));
      size += end - start;
      start = end + 1;
      if (size > limit) throw onFault('long');
      // Decoded whole: a character may lie in two chunks.
      const line = Buffer.concat(pieces, size).toString('utf8').trim();
      pieces = [];
      size = 0;
      if (line !== '') yield line;
    }
    if (start === chunk.length) continue;
    pieces.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > limit) throw onFault('long');
  }
  if (size > 0) throw onFault('cut');
}

const LINE_FEED = 0x0a;
