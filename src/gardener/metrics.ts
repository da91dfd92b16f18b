import type { MetricsRegistry } from '../kit/metrics.ts';

/** Buckets in seconds, up to the time that an API server waits for an answer. */
const ANSWER_SECONDS = [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

export type AdmissionMetrics = ReturnType<typeof declareAdmissionMetrics>;

/** Declares the metrics of the webhooks, beside those of the clients. */
export function declareAdmissionMetrics({ counter, histogram }: MetricsRegistry) {
  return {
    admissionReviews: counter('larder_admission_reviews_total', 'Objects that a webhook has answered', [
      'webhook',
      'answer',
    ]),
    admissionSeconds: histogram(
      'larder_admission_review_duration_seconds',
      'How long a webhook took for its answer',
      ['webhook'],
      ANSWER_SECONDS,
    ),
  };
}
