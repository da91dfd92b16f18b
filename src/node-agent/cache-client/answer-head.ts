import { LarderError } from '../../kit/errors.ts';

/** Status line and headers of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** `chunked`: it says so itself. */
  readonly bodyBytes: number | 'chunked';
  /** The connection can be asked again after the body. */
  readonly keepAlive: boolean;
}

/**
 * Reads the head of an HTTP/1.1 answer (RFC 9112), `text` being all before the empty line, in latin1. Strict: what is on the other side is
 * Larder itself, so anything unusual is a fault. Throws `UPSTREAM_BAD_ANSWER`; a body that ends with the connection is one, for nobody could tell that it broke off.
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
