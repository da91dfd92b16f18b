import type { ServerResponse } from 'node:http';
import { ERROR_TABLE, isLarderError, LarderError } from '../../kit/errors.ts';

/** Answers with the distribution-spec's error document. containerd goes to the next host on any of them. */
export function sendRelayError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = isLarderError(error)
    ? error
    : new LarderError('INTERNAL', 'the relay failed', { cause: error });
  const { status, oci } = ERROR_TABLE[known.code];
  const body = JSON.stringify({ errors: [{ code: oci, message: known.message }] });
  response.writeHead(status, {
    'Cache-Status': `larder-node; detail=${known.code}`,
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}
