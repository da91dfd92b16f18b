import type { Socket } from 'node:net';
import { gate } from '../kit/wait.ts';
import type { Network } from './machine.ts';

/** Network to a server with real connections: slow, refused or lost on demand. */
export class ApiLink {
  /** Latency each way. */
  latencyMs = 0;
  readonly #sockets = new Set<Socket>();
  #network: Network = 'up';
  #isOver = gate();

  get network(): Network {
    return this.#network;
  }

  /**
   * `refused` ends every connection, old and new. `lost` holds all traffic in both directions until that is over, so a request may reach
   * the server long after its sender has given up.
   */
  set network(next: Network) {
    this.#network = next;
    if (next === 'refused') for (const socket of this.#sockets) socket.destroy();
    this.#isOver.open();
    this.#isOver = gate();
  }

  /**
   * Adds a client's connection. None is reset (RST): if the other side has just ended a connection below TLS, a reset leaves a handle that
   * never closes and a Node.js process that never exits.
   */
  join(socket: Socket): void {
    if (this.#network === 'refused') {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  /** Delays every request and every answer. */
  async travel(): Promise<void> {
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    await this.passable();
  }

  /** Delays every part of an answer. */
  async passable(): Promise<void> {
    while (this.#network === 'lost') await this.#isOver.passed;
  }
}
