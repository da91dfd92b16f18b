/** Sends AdmissionReviews as an API server does, and others. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps, type Agent } from 'node:https';
import { formatAddress, type Address } from '../../src/kit/listen.ts';
import { readBody } from '../../src/kit/read-body.ts';

export interface ReviewOptions {
  /** Authority of the webhook's certificate. Undefined: any certificate is accepted. */
  readonly ca?: string;
  /** Undefined: a connection of its own. */
  readonly agent?: Agent;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ReviewAnswer {
  readonly httpStatus: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** Undefined if the text is no JSON. */
  readonly review: AnsweredReview | undefined;
}

export interface AnsweredReview {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: number; readonly message?: string; readonly reason?: string };
    readonly patchType?: string;
    readonly patch?: string;
  };
}

/** Document of a review of `request`. */
export function reviewOf(request: object, version = 'v1'): object {
  return { apiVersion: `admission.k8s.io/${version}`, kind: 'AdmissionReview', request };
}

/** Posts `body`, a document or a text, to a path of the webhook at `address`. */
export async function postReview(
  address: Address,
  path: string,
  body: object | string,
  {
    ca,
    agent,
    method = 'POST',
    headers = { 'Content-Type': 'application/json' },
    signal,
  }: ReviewOptions = {},
): Promise<ReviewAnswer> {
  const content = typeof body === 'string' ? body : JSON.stringify(body);
  const request = requestHttps(`https://${formatAddress(address)}${path}`, {
    method,
    headers: { ...headers, 'Content-Length': Buffer.byteLength(content) },
    rejectUnauthorized: ca !== undefined,
    ...(ca !== undefined && { ca }),
    agent: agent ?? false,
    ...(signal !== undefined && { signal }),
  });
  request.end(content);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const text = (await readBody(answer, Infinity, () => new Error('endless'))).toString('utf8');
  let review: AnsweredReview | undefined;
  try {
    review = JSON.parse(text) as AnsweredReview;
  } catch {
    review = undefined;
  }
  return { httpStatus: answer.statusCode ?? 0, headers: answer.headers, text, review };
}

/** Operations of an answer's JSON patch. */
export function patchOf({ response }: AnsweredReview): { op: string; path: string; value?: unknown }[] {
  return JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString('utf8')) as [];
}
