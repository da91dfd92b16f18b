import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from './clock.ts';

/** Time for a client that sends no more to read its answers and to close. */
const LEAVING_MS = 5_000;

/** The connections of a listener and the running answers of each. */
export interface ClientConnections {
  /**
   * Notes an answer, and calls `onEnd` once: when the response closes, or else when the connection closes. node:http alone reports nothing
   * about answers that waited for their turn on a connection on which a CONNECT came after them.
   *
   * Closes a half-open connection after 5 s. node:http lets its client read as slowly as it likes, and node:tls waits for ever for written
   * bytes when the client has reset the connection (Node.js 24).
   */
  begin(connection: Duplex, response: ServerResponse, onEnd: () => void): void;
  /**
   * Ends a connection on which something came that is no request. Sends `answer` first, unless a client would take it for a part of the
   * running answers.
   */
  refuse(connection: Duplex, answer: string): void;
}

/** Begins without any connection. */
export function createClientConnections(clock: Clock): ClientConnections {
  const answers = new WeakMap<Duplex, Set<() => void>>();

  function open(connection: Duplex): Set<() => void> {
    const own = new Set<() => void>();
    answers.set(connection, own);
    connection.once('end', () => closeSoon(connection));
    connection.once('close', () => {
      for (const end of own) end();
    });
    return own;
  }

  function closeSoon(connection: Duplex): void {
    const cancel = clock.after(LEAVING_MS, () => connection.destroy());
    connection.once('close', cancel);
  }

  return {
    begin(connection, response, onEnd) {
      const own = answers.get(connection) ?? open(connection);
      const end = (): void => {
        if (own.delete(end)) onEnd();
      };
      own.add(end);
      response.once('close', end);
    },
    refuse(connection, answer) {
      const isBusy = (answers.get(connection)?.size ?? 0) > 0;
      if (isBusy || !connection.writable) {
        connection.destroy();
        return;
      }
      connection.end(answer);
      closeSoon(connection);
    },
  };
}
