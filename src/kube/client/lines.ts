/**
 * Splits `body` at line feeds and yields each line as soon as it is complete, without its line feed. Empty lines are dropped. A single loop
 * reads, so lines keep their order. Throws `onFault('long')` for a line above `limit` bytes, and `onFault('cut')` if the body ends within a
 * line.
 */
export async function* lines(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  onFault: (fault: 'long' | 'cut') => Error,
): AsyncGenerator<string> {
  /** Pieces of the incomplete line. */
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      pieces.push(chunk.subarray(start, end));
      size += end - start;
      start = end + 1;
      if (size > limit) throw onFault('long');
      // Decoded as a whole, since a character may lie in two chunks.
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
