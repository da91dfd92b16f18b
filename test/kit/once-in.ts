/**
 * For what a busy machine may spoil: tries again until an `attempt` is as meant, `times` times at the most. An attempt gives why it was not,
 * or undefined; what it throws is a failure at once.
 *
 * @throws Error with all reasons when none was.
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
