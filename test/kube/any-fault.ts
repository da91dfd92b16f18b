import * as fc from 'fast-check';
import type { ProxyFault } from './api-faults.ts';

/** Faults of an API server or a network in watches and lists. */
export const anyFault: fc.Arbitrary<ProxyFault> = fc.oneof(
  fc.record({ kind: fc.constantFrom('cut', 'end', 'stall'), afterBytes: fc.nat(600) }),
  fc.record({
    kind: fc.constantFrom('half-line', 'expired-event', 'reset', 'hang', 'twice', 'no-initial-end'),
  }),
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constantFrom(400, 403, 410, 422, 429, 500, 503, 504),
  }),
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constant(429),
    retryAfter: fc.integer({ min: 1, max: 20 }),
  }),
);
