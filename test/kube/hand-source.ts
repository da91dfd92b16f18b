import type { KeySource } from '../../src/kube/controller/key-source.ts';
import { untilAborted } from '../../src/kit/abort.ts';

/** A source of keys that a test triggers by hand. */
export interface HandSource extends KeySource {
  change(...keys: readonly string[]): void;
  sync(): void;
}

export function createHandSource(): HandSource {
  const handlers: ((key: string) => void)[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    onChange: (handler) => void handlers.push(handler),
    whenSynced: (signal) => untilAborted(promise, signal),
    change(...keys) {
      for (const key of keys) for (const handler of handlers) handler(key);
    },
    sync: resolve,
  };
}
