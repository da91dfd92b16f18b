import type { ServerResponse } from 'node:http';
import type { Change, StoredObject } from './api-store.ts';
import type { Fault } from './api-faults.ts';

/** Which objects a list or watch is about. */
export interface Selection {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly matches: (object: StoredObject) => boolean;
}

/** What of an object is told. */
export type View = (object: StoredObject) => StoredObject;

/** One watch that somebody has open: writes lines until something ends it. */
export class OpenWatch {
  readonly selection: Selection;
  readonly #response: ServerResponse;
  readonly #view: View;
  readonly #fault: Fault | undefined;
  #bytes = 0;
  #isOver = false;

  constructor(response: ServerResponse, selection: Selection, view: View, fault: Fault | undefined) {
    this.#response = response;
    this.selection = selection;
    this.#view = view;
    this.#fault = fault;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (fault?.kind === 'half-line') this.#write('{"type":"ADDED","object":{"metad\n');
    else this.#write('');
  }

  get isOver(): boolean {
    return this.#isOver || this.#response.destroyed;
  }

  added(object: StoredObject): void {
    this.#event('ADDED', object);
  }

  /** As this watch sees a change: an object may come into its selection, or leave it. */
  changed({ collection, before, object, isDeletion }: Change): void {
    const { selection } = this;
    if (collection !== selection.collection) return;
    if (selection.namespace !== undefined && object.metadata.namespace !== selection.namespace) return;
    const was = before !== undefined && selection.matches(before);
    const is = !isDeletion && selection.matches(object);
    if (was && is) this.#event('MODIFIED', object);
    else if (is) this.#event('ADDED', object);
    else if (was) this.#event('DELETED', object);
  }

  bookmark(
    version: number,
    like: { readonly apiVersion: string; readonly kind: string },
    isInitialEnd = false,
  ): void {
    if (isInitialEnd && this.#fault?.kind === 'no-initial-end') return;
    const annotations = isInitialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    this.#line({
      type: 'BOOKMARK',
      object: { ...like, metadata: { resourceVersion: String(version), ...annotations } },
    });
  }

  error(status: unknown): void {
    this.#line({ type: 'ERROR', object: status });
    this.end();
  }

  end(): void {
    this.#isOver = true;
    this.#response.end();
  }

  cut(): void {
    this.#isOver = true;
    this.#response.destroy();
  }

  #event(type: string, object: StoredObject): void {
    for (const _ of this.#fault?.kind === 'twice' ? [1, 2] : [1])
      this.#line({ type, object: this.#view(object) });
  }

  #line(content: unknown): void {
    this.#write(`${JSON.stringify(content)}\n`);
  }

  #write(text: string): void {
    if (this.#isOver) return;
    const fault = this.#fault;
    if (fault?.kind !== 'cut' && fault?.kind !== 'end' && fault?.kind !== 'stall') {
      this.#response.write(text);
      return;
    }
    const part = text.slice(0, Math.max(0, fault.afterBytes - this.#bytes));
    this.#bytes += text.length;
    const isDue = this.#bytes >= fault.afterBytes;
    if (isDue) this.#isOver = true;
    const then = (): void => {
      if (isDue && fault.kind === 'cut') this.#response.destroy();
      if (isDue && fault.kind === 'end') this.#response.end();
    };
    if (part === '') then();
    else this.#response.write(part, then);
  }
}
