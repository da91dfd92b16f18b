import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { AnswerReceiver, CacheConnection } from './cache-connection.ts';

/** The cache answers within 20 s or not at all. containerd waits for 30 s. */
const HEADERS_MS = 25_000;
/** After this silence the caller is asked whether the cache still answers: the first time, and from then on. */
const SILENT_MS = 250;
const STILL_SILENT_MS = 1_000;
/**
 * After this silence in the middle of a body its bytes are lost, although others may get through. A cache gives its upstream 60 s for the
 * next byte, and less than 30 s later it has asked again or broken off.
 */
const LOST_MS = 90_000;
/** A cache answers from its store in less time. After it, the other end of a reused connection may be gone. */
const LATE_MS = 10;

export interface CacheRequest {
  /** The request as sent. */
  readonly bytes: Buffer | string;
  readonly isHead: boolean;
  /** A probe: always gets a connection, and the host may be slow to accept it. */
  readonly isProbe?: boolean;
  /** Called while no byte arrives and the client has taken all others. A returned error fails the request. */
  readonly onSilent?: () => Error | undefined;
}

/** A request on its way, and its answer. */
export interface RelayedRequest {
  readonly isProbe: boolean;
  /** Ends the request. The receiver is not called afterwards. */
  giveUp(): void;
  /** Fails the request if it has no headers yet or has been silent for long. */
  failWaiting(reason: Error): void;
}

export interface RelayedRequestDeps {
  readonly clock: Clock;
  /** Opens another connection, for a request whose first one was closed. Undefined if there are too many. */
  readonly open: (isProbe: boolean) => CacheConnection | undefined;
  /** A reused connection brought no answer at once. */
  readonly onLate: () => void;
  readonly onEnd: (relayed: RelayedRequest) => void;
}

/** Sends a request over `connection`, new or reused, and hands the answer to `receiver`. */
export function startRelayedRequest(
  { clock, open, onLate, onEnd }: RelayedRequestDeps,
  request: CacheRequest,
  receiver: AnswerReceiver,
  connection: CacheConnection,
  isReused: boolean,
): RelayedRequest {
  let current = connection;
  let isOver = false;
  let isAnswered = false;
  let heardAt = clock.monotonic();
  /** Pieces that the client has not taken yet. */
  let pieces = 0;
  let cancelWatch = (): void => {};
  const cancelLimit = clock.after(HEADERS_MS, () =>
    fail(new LarderError('UPSTREAM_TIMEOUT', `the cache did not answer within ${HEADERS_MS} ms`)),
  );
  const cancelLate = isReused ? clock.after(LATE_MS, onLate) : (): void => {};
  const relayed: RelayedRequest = {
    isProbe: request.isProbe === true,
    giveUp() {
      // The client never takes the rest, so the connection cannot serve another.
      if (isOver && pieces === 0) return;
      over();
      current.destroy();
    },
    failWaiting(reason) {
      if (!isAnswered || silentMs() >= SILENT_MS) fail(reason);
    },
  };
  watch(SILENT_MS);
  begin(isReused);
  return relayed;

  function begin(mayBeStale: boolean): void {
    const connection = current;
    connection.ready.then(
      () => {
        if (!isOver) connection.ask(request.bytes, request.isHead, relayTo(mayBeStale));
      },
      (error: Error) => fail(error),
    );
  }

  function relayTo(mayBeStale: boolean): AnswerReceiver {
    return {
      head(head) {
        if (isOver) return;
        isAnswered = true;
        heardAt = clock.monotonic();
        cancelLate();
        cancelLimit();
        receiver.head(head);
      },
      body(piece, taken) {
        if (isOver) return;
        pieces += 1;
        receiver.body(piece, () => {
          pieces -= 1;
          heardAt = clock.monotonic();
          taken();
        });
      },
      end() {
        if (isOver) return;
        over();
        receiver.end();
      },
      failed(error, answered) {
        // The cache may have closed an idle connection as the request left. One more try, over a new connection.
        const again = mayBeStale && !answered && !isOver ? open(relayed.isProbe) : undefined;
        if (again === undefined) return fail(error, answered);
        cancelLate();
        current = again;
        begin(false);
      },
    };
  }

  function silentMs(): number {
    return pieces === 0 ? clock.monotonic() - heardAt : 0;
  }

  function watch(ms: number): void {
    cancelWatch = clock.after(ms, () => {
      const ms = silentMs();
      if (ms < SILENT_MS) return watch(SILENT_MS - ms);
      const reason = isAnswered && ms >= LOST_MS ? lost() : request.onSilent?.();
      if (reason === undefined) watch(STILL_SILENT_MS);
      else fail(reason);
    });
  }

  function fail(reason: Error, answered = isAnswered): void {
    if (isOver) return;
    over();
    current.destroy();
    receiver.failed(reason, answered);
  }

  function over(): void {
    isOver = true;
    cancelLate();
    cancelLimit();
    cancelWatch();
    onEnd(relayed);
  }
}

function lost(): LarderError {
  return new LarderError('UPSTREAM_TIMEOUT', `nothing came from the cache for ${LOST_MS} ms`);
}
