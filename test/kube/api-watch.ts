import type { ServerResponse } from 'node:http';
import type { Change, StoredObject } from './api-store.ts';
import { HALF_LINE, type Fault } from './api-faults.ts';
import { FaultyBody } from './faulty-body.ts';

/** Objects of a list or watch. */
export interface Selection {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly matches: (object: StoredObject) => boolean;
}

/** The part of an object to send. */
export type View = (object: StoredObject) => StoredObject;

/** One open watch: writes lines until it ends. */
export class OpenWatch {
  readonly selection: Selection;
  readonly #body: FaultyBody;
  readonly #view: View;
  readonly #fault: Fault | undefined;

  constructor(response: ServerResponse, selection: Selection, view: View, fault: Fault | undefined) {
    this.selection = selection;
    this.#view = view;
    this.#fault = fault;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.#body = new FaultyBody(response, fault);
    if (fault?.kind === 'half-line') void this.#body.write(HALF_LINE);
  }

  get isOver(): boolean {
    return this.#body.isOver;
  }

  added(object: StoredObject): void {
    this.#event('ADDED', object);
  }

  /** Sends a change as this watch sees it: an object may enter its selection or leave it. */
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
    this.#body.end();
  }

  cut(): void {
    this.#body.cut();
  }

  #event(type: string, object: StoredObject): void {
    for (const _ of this.#fault?.kind === 'twice' ? [1, 2] : [1])
      this.#line({ type, object: this.#view(object) });
  }

  #line(content: unknown): void {
    void this.#body.write(`${JSON.stringify(content)}\n`);
  }
}
