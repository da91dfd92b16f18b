import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from './clock.ts';

/** A client that sends no more has this long to read what it was sent, and to close. */
const LEAVING_MS = 5_000;

/** The connections of a listener, and the answers under way on each. */
export interface ClientConnections {
  /**
   * Notes an answer, and calls `onEnd` once: when the response closes, or else when the connection does. node:http alone says nothing of
   * the answers that waited for their turn on a connection where a CONNECT came after them.
   *
   * A connection that is no more than half open is closed soon: node:http lets its client read as slowly as it likes, and node:tls
   * waits for ever for what it wrote when the client reset the connection (Node.js 24).
   */
  begin(connection: Duplex, response: ServerResponse, onEnd: () => void): void;
  /**
   * Ends a connection on which something came that is no request: with `answer`, unless that would be taken for a part of the answers
   * that are under way.
   */
  refuse(connection: Duplex, answer: string): void;
}

/** None yet. */
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
