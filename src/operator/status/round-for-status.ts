/** `amount` with two significant digits, rounded down: a status that changed with every pull would be written with every pull. */
export function roundForStatus(amount: number): number {
  if (amount < 100) return Math.floor(amount);
  const step = 10 ** (Math.floor(Math.log10(amount)) - 1);
  return Math.floor(amount / step) * step;
}
