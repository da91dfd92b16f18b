import { extensionWebhooks } from '../../src/gardener/extension-webhooks.ts';
import { declareAdmissionMetrics } from '../../src/gardener/metrics.ts';
import { EXTENSION_WEBHOOKS } from '../../src/gardener/names.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import type { KubeClient } from '../../src/kube/types.ts';
import { readReview, reviewAnswer } from '../../src/kube/webhook/admission-review.ts';
import { reviewOf, type AnsweredReview } from '../kube/reviews.ts';
import type { AskWebhook } from './play-osc.ts';

/** Shared, because each registry observes the whole process, for ever. */
const METRICS = declareAdmissionMetrics(createMetricsRegistry());

/** The webhooks of `larder extension` without a server in front of them. */
export function askInProcess(client: Pick<KubeClient, 'get'>): AskWebhook {
  const webhooks = extensionWebhooks(
    { reads: client, clock: systemClock, metrics: METRICS },
    EXTENSION_WEBHOOKS,
  );
  return async (path, request) => {
    const webhook = webhooks.find((one) => one.path === path);
    const review = readReview(JSON.stringify(reviewOf(request)));
    if (webhook === undefined || 'allowed' in review) throw new Error(`no review for ${path}`);
    const answer = await webhook.handler(review.request, new AbortController().signal);
    return (JSON.parse(reviewAnswer(review, answer)) as AnsweredReview).response;
  };
}
