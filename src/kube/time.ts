/** Wall-clock time as `metav1.MicroTime`. The API server refuses Leases and Events without the six decimals. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** Wall-clock time as `metav1.Time`: RFC 3339, in seconds. */
export function secondsTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
