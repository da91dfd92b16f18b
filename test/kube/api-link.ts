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
   * `refused` ends every connection, old and new. `lost` holds whatever is on its way, in both directions, until that is over: a
   * request may reach the server long after its sender has given up.
   */
  set network(next: Network) {
    this.#network = next;
    if (next === 'refused') for (const socket of this.#sockets) socket.destroy();
    this.#isOver.open();
    this.#isOver = gate();
  }

  /**
   * A connection that somebody makes. None is reset (RST): below TLS that leaves a handle that never closes where the other side has just
   * ended it, and a Node.js process that never exits.
   */
  join(socket: Socket): void {
    if (this.#network === 'refused') {
      socket.destroy();
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
