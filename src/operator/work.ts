import type { Controller, Leading } from '../kube/controller/controller.ts';

/** Runs the controllers until `stop` aborts, and `background` for as long as they run. Rejects with the first failure of either. */
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
