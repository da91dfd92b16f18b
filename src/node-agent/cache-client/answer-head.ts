import { LarderError } from '../../kit/errors.ts';

/** Status line and headers of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
  /** `chunked`: the body itself marks its end. */
  readonly bodyBytes: number | 'chunked';
  /** True if the connection can carry another request after the body. */
  readonly keepAlive: boolean;
}

/**
 * Parses the head of an HTTP/1.1 answer (RFC 9112). `text` is everything before the empty line, in latin1. Throws `UPSTREAM_BAD_ANSWER` for
 * anything unusual, because the other side is Larder itself. That includes a body that ends with the connection, since nothing shows that
 * such a body was cut short.
 */
export function parseAnswerHead(text: string, isHead: boolean): AnswerHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const match = /^HTTP\/1\.1 ([2-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(statusLine);
  if (match === null) throw badAnswer('an invalid HTTP/1.1 status line');
  const status = Number(match[1]);
  const rawHeaders: string[] = [];
  let length: AnswerHead['bodyBytes'] | undefined;
  let keepAlive = true;
  for (const line of lines) {
    const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line);
    if (field === null) throw badAnswer('an invalid header line');
    const [, name = '', value = ''] = field;
    rawHeaders.push(name, value);
    switch (name.toLowerCase()) {
      case 'content-length':
        if (length !== undefined || !/^[0-9]{1,15}$/.test(value))
          throw badAnswer('an invalid Content-Length');
        length = Number(value);
        break;
      case 'transfer-encoding':
        if (length !== undefined || value.toLowerCase() !== 'chunked')
          throw badAnswer('an unsupported Transfer-Encoding');
        length = 'chunked';
        break;
      case 'connection':
        if (/(?:^|,)\s*close\s*(?:,|$)/i.test(value)) keepAlive = false;
        break;
      default:
    }
  }
  const hasNoBody = isHead || status === 204 || status === 304;
  const bodyBytes = hasNoBody ? 0 : length;
  if (bodyBytes === undefined) throw badAnswer('a body of unknown length');
  return {
    status,
    reason: match[2] ?? '',
    rawHeaders,
    bodyBytes,
    keepAlive,
  };
}

function badAnswer(what: string): LarderError {
  return new LarderError('UPSTREAM_BAD_ANSWER', `the cache answered with ${what}`);
}
