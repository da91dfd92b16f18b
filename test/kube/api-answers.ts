/** Answers without an object: refusals, and faults in place of an answer. */
import type { ServerResponse } from 'node:http';
import type { Fault } from './api-faults.ts';
import { Refused } from './api-store.ts';

export function sendJson(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(content));
}

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export function statusOf({ code, reason, message, details }: Refused): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details,
    code,
  };
}

/** Status for a version that the server has forgotten. */
export function expiredStatus(): object {
  return statusOf(new Refused(410, 'Expired', 'too old resource version'));
}

/** True if the fault has replaced the answer. */
export function answerFault(response: ServerResponse, fault: Fault): boolean {
  if (fault.kind === 'hang') return true;
  if (fault.kind === 'reset') {
    response.destroy();
    return true;
  }
  if (fault.kind === 'text') {
    response.end(fault.text);
    return true;
  }
  if (fault.kind !== 'status') return false;
  const { status, reason = 'Injected', message = 'injected', retryAfter } = fault;
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
  sendJson(response, status, statusOf(new Refused(status, reason, message)));
  return true;
}
