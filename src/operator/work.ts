import type { Controller, Leading } from '../kube/controller/controller.ts';

/**
 * Runs the controllers until `stop` aborts, and beside them what has no end of its own, for as long as they run. Rejects with what fails
 * first, whichever it is.
 */
export async function work(
  controllers: readonly Controller[],
  background: (signal: AbortSignal) => Promise<void>,
  stop: AbortSignal,
  leading: Leading,
): Promise<void> {
  const ended = new AbortController();
  const controlling = controllers.map((controller) => controller.run(stop, leading));
  await Promise.all([Promise.all(controlling).finally(() => ended.abort()), background(ended.signal)]);
}
