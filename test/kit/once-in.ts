/**
 * Repeats an `attempt` that a busy machine may spoil until it succeeds, at most `times` times. A spoiled attempt resolves with its
 * reason, a good one with undefined. An error of an attempt is thrown at once.
 *
 * @throws Error with all reasons if no attempt succeeded.
 */
export async function onceIn(times: number, attempt: () => Promise<string | undefined>): Promise<void> {
  const failures: string[] = [];
  while (failures.length < times) {
    const failure = await attempt();
    if (failure === undefined) return;
    failures.push(failure);
  }
  throw new Error(`not once in ${times} times: ${failures.join('; ')}`);
}
