import type { ObjectKey } from '../types.ts';

/** `kind` or `resource` of an {@link AdmissionRequest}. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The request of an AdmissionReview, `admission.k8s.io/v1` or `v1beta1`, as far as handlers use it. */
export interface AdmissionRequest extends ObjectKey {
  /** Empty, like `name` and `operation`, if the review has none. */
  readonly uid: string;
  readonly kind: GroupVersionKind;
  readonly operation: string;
  /** Undefined if the review has none, or `null`. */
  readonly object: unknown;
  readonly oldObject: unknown;
  /** Text of the whole review, for handlers that look for repeated fields: `JSON.parse` keeps the last one only. */
  readonly text: string;
}

/** Decision about a request. */
export type AdmissionAnswer =
  /** `changed` is the whole object with the changes of the webhook. The server sends the difference as a JSON patch. */
  { readonly allowed: true; readonly changed?: unknown } | AdmissionDenial;

export interface AdmissionDenial {
  readonly allowed: false;
  /** HTTP status: 403 for a refusal, 400 for an object that cannot be read. */
  readonly code: number;
  readonly message: string;
}

/**
 * Decides about one request, which is frozen: a changed object is a copy. Ends as soon as `signal` aborts, which is after 9 s or when the
 * client has left. An error that it throws denies the request with code 500, and its message is sent.
 */
export type AdmissionHandler = (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionAnswer>;
