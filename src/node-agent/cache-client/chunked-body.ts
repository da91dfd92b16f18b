import { LarderError } from '../../kit/errors.ts';

/** Limit for the bytes between two pieces of a body or after the last one: size, extensions, trailers. The same as Node's. */
const MAX_FRAMING_BYTES = 16 * 1024;
/** Larger than any layer, and sums stay exact. */
const MAX_CHUNK_BYTES = 2 ** 48;
const [TAB, LF, CR, SPACE, SEMICOLON, DEL] = [0x09, 0x0a, 0x0d, 0x20, 0x3b, 0x7f];

/** Removes the framing of a chunked body (RFC 9112, section 7.1), however the stream is split. */
export interface ChunkedBody {
  /** True once the end has been read. */
  readonly isComplete: boolean;
  /**
   * Moves the body to the front of `bytes`, followed by the unread rest behind its end, and returns the size of both. Throws
   * `UPSTREAM_BAD_ANSWER` and must not be called again after that.
   */
  read(bytes: Buffer): { bodyBytes: number; restBytes: number };
}

/** Position of the next byte in the framing. */
type Place = Framing | 'data' | 'complete';
type Framing =
  | 'size'
  | 'extension'
  | 'size-end'
  | 'data-cr'
  | 'data-lf'
  | 'line'
  | 'trailer'
  | 'trailer-lf'
  | 'last-lf';

/** Drops extensions and trailers, as a recipient may. */
export function createChunkedBody(): ChunkedBody {
  let place: Place = 'size';
  let size = 0;
  let digits = 0;
  let framingBytes = 0;

  return {
    get isComplete() {
      return place === 'complete';
    },
    read(bytes) {
      let at = 0;
      let bodyBytes = 0;
      while (at < bytes.length && place !== 'complete') {
        if (place === 'data') {
          const end = Math.min(bytes.length, at + size);
          bytes.copyWithin(bodyBytes, at, end);
          bodyBytes += end - at;
          size -= end - at;
          at = end;
          if (size === 0) place = 'data-cr';
        } else {
          place = after(place, bytes[at] as number);
          at += 1;
        }
      }
      bytes.copyWithin(bodyBytes, at);
      return { bodyBytes, restBytes: bytes.length - at };
    },
  };

  function after(at: Framing, byte: number): Place {
    framingBytes += 1;
    if (framingBytes > MAX_FRAMING_BYTES) throw badFraming();
    switch (at) {
      case 'size':
        return afterSize(byte);
      case 'extension':
        return afterText(byte, 'extension', 'size-end');
      case 'size-end':
        expect(byte, LF);
        digits = 0;
        if (size === 0) return 'line';
        framingBytes = 0;
        return 'data';
      case 'data-cr':
        expect(byte, CR);
        return 'data-lf';
      case 'data-lf':
        expect(byte, LF);
        return 'size';
      case 'line':
        return afterText(byte, 'trailer', 'last-lf');
      case 'trailer':
        return afterText(byte, 'trailer', 'trailer-lf');
      case 'trailer-lf':
        expect(byte, LF);
        return 'line';
      case 'last-lf':
        expect(byte, LF);
        return 'complete';
    }
  }

  function afterSize(byte: number): Place {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (!Number.isNaN(digit)) {
      digits += 1;
      size = 16 * size + digit;
      if (size > MAX_CHUNK_BYTES) throw badFraming();
      return 'size';
    }
    if (digits === 0) throw badFraming();
    if (byte === CR) return 'size-end';
    if (byte !== SEMICOLON && byte !== SPACE && byte !== TAB) throw badFraming();
    return 'extension';
  }
}

/** `same` within a line, `end` after its CR. */
function afterText(byte: number, same: Place, end: Place): Place {
  if (byte === CR) return end;
  if ((byte < SPACE && byte !== TAB) || byte === DEL) throw badFraming();
  return same;
}

function expect(byte: number, expected: number): void {
  if (byte !== expected) throw badFraming();
}

function badFraming(): LarderError {
  return new LarderError('UPSTREAM_BAD_ANSWER', 'the cache sent an invalid chunked body');
}
