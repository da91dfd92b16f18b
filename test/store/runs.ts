/**
 * Length of a test that repeats itself: histories of a property, or rounds of a loop. Short by default, so that the tests of a room stay quick;
 * `LARDER_MODEL_RUNS` makes each of them as long as it says.
 */
export function runs(few: number): number {
  return Number(process.env['LARDER_MODEL_RUNS'] ?? few);
}
