import type { Agent } from 'node:https';
import type { AdmissionLab } from './admission-lab.ts';
import { sendReview } from './lab-review.ts';
import type { RecordedAdmission } from './recorded-admission.ts';

/** Decision about a Shoot. Code and message are those of a refusal. */
export interface Decision {
  readonly allowed: boolean;
  readonly code?: number;
  readonly message?: string;
}

const PATHS = { cache: '/webhooks/registry-cache', mirror: '/webhooks/registry-config' };
const SECRETS = '/api/v1/namespaces/garden-p/secrets';

/** Sends a recorded review to a replica, with the Secrets of the recording in the garden, and gives the decision. */
export async function decisionAbout(
  lab: AdmissionLab,
  { validator, reviewVersion, request, secrets }: RecordedAdmission,
  { port, ca, agent }: { readonly port: number; readonly ca: string; readonly agent: Agent },
): Promise<Decision> {
  const { requests } = lab.garden;
  for (const [name, secret] of secrets)
    await requests('POST', SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { name }, ...secret });
  try {
    const { text: _text, ...sent } = request;
    const version = reviewVersion.split('/')[1];
    const review = { path: PATHS[validator], request: sent, version, agent };
    const { allowed, status } = await sendReview(lab, port, ca, review);
    return allowed ? { allowed } : { allowed, code: status?.code ?? 0, message: status?.message ?? '' };
  } finally {
    for (const name of secrets.keys()) await requests('DELETE', `${SECRETS}/${name}`);
  }
}

/** The recorded decision in the same form. */
export function recordedDecision({ answer }: RecordedAdmission): Decision {
  return answer === null ? { allowed: true } : { allowed: false, ...answer };
}

/** Reduces a decision to its meaning: without the texts of Go's libraries, and without an order where there is none. */
export function meaningOf(decision: Decision, { unordered }: RecordedAdmission): Decision {
  if (decision.message === undefined) return decision;
  const message = decision.message
    .replace(/^(could not decode (?:request|old object) )[^]*?: [^]*/, '$1...')
    .replace(/((?:failed to decode|failed to parse url)[^:]*: )[^]*/, '$1...');
  return { ...decision, message: unordered ? sorted(message) : message };
}

function sorted(message: string): string {
  const problems = message.replace(/^\[([^]*)\]$/, '$1').split(/, (?=spec\.extensions)/);
  return `[${problems.toSorted().join(', ')}]`;
}
