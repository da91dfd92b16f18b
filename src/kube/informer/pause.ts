/** Pause after failures in a row: 0.8 s, doubled up to 30 s (client-go's reflector), of which a random part from half to all. */
export function pauseMs(failures: number, random: () => number): number {
  const whole = Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return Math.round(whole * (0.5 + random() / 2));
}

export const LONGEST_PAUSE_MS = 30_000;
const FIRST_MS = 800;
