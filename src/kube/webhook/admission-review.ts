import { z } from 'zod';
import { formatPath } from '../../kit/document/field-problem.ts';
import { deepFreeze, parseJson } from '../../kit/json.ts';
import type { AdmissionAnswer, AdmissionDenial, AdmissionRequest } from './admission.ts';
import { jsonPatchOf } from './json-patch.ts';

/** A review as received. */
export interface AdmissionReview {
  /** Version and kind, which the answer repeats. */
  readonly type: ReviewType;
  /** Frozen with all its parts. */
  readonly request: AdmissionRequest;
}

interface ReviewType {
  readonly apiVersion: string;
  readonly kind: string;
}

const TEXT = z.string().default('');

/** `admission.k8s.io/v1` and `v1beta1` have the same fields. controller-runtime v0.24.1 takes any version and repeats it, and so does this. */
const REVIEW = z.object({
  apiVersion: z.string().default('admission.k8s.io/v1'),
  kind: z.string().default('AdmissionReview'),
  request: z.object({
    uid: TEXT,
    kind: z.object({ group: TEXT, version: TEXT, kind: TEXT }).default({ group: '', version: '', kind: '' }),
    operation: TEXT,
    name: TEXT,
    namespace: z.string().optional(),
    object: z.unknown().optional(),
    oldObject: z.unknown().optional(),
  }),
});

/** Reads a review. A text that is none gives the denial with which it is answered; its message quotes nothing. */
export function readReview(text: string): AdmissionReview | AdmissionDenial {
  const json = parseJson(text);
  if (json === undefined) return deny(400, 'the review cannot be decoded: expected JSON');
  const review = REVIEW.safeParse(json);
  if (!review.success) {
    const [issue] = review.error.issues;
    const path = (issue?.path ?? []).filter((segment) => typeof segment !== 'symbol');
    const place = path.length === 0 ? '' : `${formatPath(path)}: `;
    return deny(400, `the review cannot be decoded: ${place}${issue?.message}`);
  }
  const { apiVersion, kind, request } = review.data;
  try {
    return {
      type: { apiVersion, kind },
      request: deepFreeze({
        ...request,
        namespace: request.namespace === '' ? undefined : request.namespace,
        object: request.object ?? undefined,
        oldObject: request.oldObject ?? undefined,
        text,
      }),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return deny(400, 'the review cannot be decoded: nested too deep');
  }
}

/** Text of the answer to `review`. Without a review it has no version, as with controller-runtime. */
export function reviewAnswer(review: AdmissionReview | undefined, answer: AdmissionAnswer): string {
  const uid = review?.request.uid ?? '';
  const response = { uid, ...decision(answer, review?.request.object) };
  return JSON.stringify({ ...review?.type, response });
}

export function deny(code: number, message: string): AdmissionDenial {
  return { allowed: false, code, message };
}

function decision(answer: AdmissionAnswer, object: unknown): object {
  if (!answer.allowed) {
    const { code, message } = answer;
    return { allowed: false, status: { code, message, ...(code === 403 && { reason: 'Forbidden' }) } };
  }
  const patch = answer.changed === undefined ? [] : jsonPatchOf(object, answer.changed);
  return {
    allowed: true,
    status: { code: 200 },
    ...(patch.length > 0 && {
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    }),
  };
}
