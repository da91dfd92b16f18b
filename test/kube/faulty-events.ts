import { expiredStatus } from './api-answers.ts';
import { HALF_LINE, type Fault } from './api-faults.ts';

/** Events of a watch with the faults that concern whole events, in place of its `body`. */
export async function* faultyEvents(
  body: AsyncIterable<Uint8Array>,
  fault: Fault | undefined,
): AsyncGenerator<string | Uint8Array> {
  const kind = fault?.kind;
  if (kind === 'expired-event') {
    yield `${JSON.stringify({ type: 'ERROR', object: expiredStatus() })}\n`;
    return;
  }
  if (kind === 'half-line') yield HALF_LINE;
  if (kind === 'twice') {
    for await (const line of linesOf(body)) yield line + line;
  } else if (kind === 'no-initial-end') {
    for await (const line of linesOf(body)) if (!line.includes('k8s.io/initial-events-end')) yield line;
  } else yield* body;
}

/** Lines with their ends. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield `${part}\n`;
  }
}
