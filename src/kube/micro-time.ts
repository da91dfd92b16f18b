/** A wall clock's time as the API server's `MicroTime`, which has six decimals: Leases and Events are refused without them. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
