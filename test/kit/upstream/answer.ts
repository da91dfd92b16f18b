/** A response as data, before it is sent: handlers make it, faults change it, `respond.ts` sends it. */
import { blobFrom, type TestBlob } from '../blob.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Body of the answer to a GET. The answer to a HEAD has its length only. */
  readonly body?: TestBlob;
  /** Digest of the content, for the record and for `Docker-Content-Digest`. */
  readonly digest?: string;
  /** True when `Range` applies to the body. */
  readonly ranged?: boolean;
}

export type Headers = Readonly<Record<string, string | readonly string[]>>;

/** An error in the form of the distribution-spec (v1.1.1, "Error Codes"). */
export function errorAnswer(status: number, code: string, message: string, headers: Headers = {}): Answer {
  return jsonAnswer(status, { errors: [{ code, message, detail: null }] }, headers);
}

/** A JSON document as an answer. */
export function jsonAnswer(status: number, document: unknown, headers: Headers = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: blobFrom(JSON.stringify(document)),
  };
}

/** Plain text as an answer, as gateways in front of a registry send it. */
export function textAnswer(status: number, text: string, headers: Headers = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: blobFrom(text),
  };
}
