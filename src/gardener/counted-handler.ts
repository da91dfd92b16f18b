import type { Clock } from '../kit/clock.ts';
import type { AdmissionHandler } from '../kube/webhook/admission.ts';
import type { AdmissionMetrics } from './metrics.ts';

export interface CountedHandlerDeps {
  readonly clock: Clock;
  readonly metrics: AdmissionMetrics;
}

/** Counts the answers of a handler: `allowed`, `refused`, and `failed` if it throws. */
export function countedHandler(
  { clock, metrics }: CountedHandlerDeps,
  webhook: string,
  handler: AdmissionHandler,
): AdmissionHandler {
  return async (request, signal) => {
    const begin = clock.monotonic();
    let answer = 'failed';
    try {
      const given = await handler(request, signal);
      answer = given.allowed ? 'allowed' : 'refused';
      return given;
    } finally {
      metrics.admissionReviews.inc({ webhook, answer });
      metrics.admissionSeconds.observe({ webhook }, (clock.monotonic() - begin) / 1000);
    }
  };
}
