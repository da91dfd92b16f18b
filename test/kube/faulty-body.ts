import type { ServerResponse } from 'node:http';
import type { Fault } from './api-faults.ts';

/** Body of an answer, written until it ends or its fault is due. Handles only faults that count bytes. */
export class FaultyBody {
  readonly #response: ServerResponse;
  readonly #fault: Fault | undefined;
  #bytes = 0;
  #isOver = false;

  /** Called after the headers were sent. */
  constructor(response: ServerResponse, fault: Fault | undefined) {
    this.#response = response;
    this.#fault = fault;
    void this.write('');
  }

  /** True once the body has ended or the client has gone. Nothing is written after that. */
  get isOver(): boolean {
    return this.#isOver || this.#response.destroyed;
  }

  /** Resolves when the connection has taken the content. */
  async write(content: string | Uint8Array): Promise<void> {
    if (this.isOver) return;
    const fault = this.#fault;
    if (fault?.kind !== 'cut' && fault?.kind !== 'end' && fault?.kind !== 'stall') {
      await this.#send(content);
      return;
    }
    const part = Buffer.from(content).subarray(0, Math.max(0, fault.afterBytes - this.#bytes));
    this.#bytes += content.length;
    if (this.#bytes < fault.afterBytes) {
      await this.#send(part);
      return;
    }
    this.#isOver = true;
    await this.#send(part);
    if (fault.kind === 'cut') this.#response.destroy();
    if (fault.kind === 'end') this.#response.end();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#response.end();
  }

  cut(): void {
    this.#isOver = true;
    this.#response.destroy();
  }

  /** Stops writing without an end. */
  stall(): void {
    this.#isOver = true;
  }

  async #send(content: string | Uint8Array): Promise<void> {
    if (content.length === 0) return;
    // A connection that breaks meanwhile calls back too.
    await new Promise<void>((resolve) => this.#response.write(content, () => resolve()));
  }
}
