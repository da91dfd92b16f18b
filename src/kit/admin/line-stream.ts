import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';

/** An answer that reports on running work: one JSON document a line. */
export interface LineStream {
  /** Aborts with `CLIENT_GONE` when the client leaves before the end. */
  readonly signal: AbortSignal;
  /** Sends a line, with status 200 before the first. Resolves once the kernel has the line. Rejects with `CLIENT_GONE`. */
  write(document: unknown): Promise<void>;
}

/** A client that does not take a line in this time has left, whatever the state of its connection. */
const TAKES_MS = 60_000;
/** An empty line follows after this time without a line, so that both ends see that the other is there. */
const SILENCE_MS = 10_000;

/** The {@link LineStream} of a response; ends with the response. */
export function createLineStream(response: ServerResponse, clock: Clock): LineStream {
  const controller = new AbortController();
  let cancel = (): void => {};
  response.once('close', () => {
    cancel();
    if (!response.writableFinished) {
      controller.abort(new LarderError('CLIENT_GONE', 'the client closed the connection'));
    }
  });

  function send(text: string): Promise<void> {
    cancel();
    cancel = clock.after(SILENCE_MS, () => {
      if (!response.writableEnded) send('\n').catch(() => {});
    });
    return new Promise((resolve, reject) => {
      const cut = clock.after(TAKES_MS, () => response.destroy());
      const leave = (): void => {
        cut();
        reject(controller.signal.reason as Error);
      };
      if (controller.signal.aborted) return leave();
      controller.signal.addEventListener('abort', leave, { once: true });
      response.write(text, (error) => {
        cut();
        controller.signal.removeEventListener('abort', leave);
        if (error)
          reject(new LarderError('CLIENT_GONE', 'the client closed the connection', { cause: error }));
        else resolve();
      });
      return undefined;
    });
  }

  return {
    signal: controller.signal,
    write(document) {
      if (!response.headersSent) {
        response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' });
      }
      return send(`${JSON.stringify(document)}\n`);
    },
  };
}
