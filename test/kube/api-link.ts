import type { Socket } from 'node:net';
import { gate } from '../kit/wait.ts';
import type { Network } from './machine.ts';

/** The way to a server by real connections: slow, refused or lost when told. */
export class ApiLink {
  /** Each way. */
  latencyMs = 0;
  readonly #sockets = new Set<Socket>();
  #network: Network = 'up';
  #isOver = gate();

  get network(): Network {
    return this.#network;
  }

  /**
   * `refused` resets every connection, old and new. `lost` holds whatever is on its way, in both directions, until that is over: a
   * request may reach the server long after its sender has given up.
   */
  set network(next: Network) {
    this.#network = next;
    if (next === 'refused') for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#isOver.open();
    this.#isOver = gate();
  }

  /** A connection that somebody makes. */
  join(socket: Socket): void {
    if (this.#network === 'refused') {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  /** Passed by every request and every answer. */
  async travel(): Promise<void> {
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    await this.passable();
  }

  /** Passed by every part of an answer. */
  async passable(): Promise<void> {
    while (this.#network === 'lost') await this.#isOver.passed;
  }
}
