/** Bounds of one upstream. Times in milliseconds. */
export interface UpstreamLimits {
  /** Connections per origin: the registry, and each host it sends us to. */
  readonly connections: number;
  /** Until a connection stands, name resolution and TLS included. */
  readonly connectMs: number;
  /** Waiting for a free one of the connections. */
  readonly queueMs: number;
  /** From the request sent to the headers of its answer. */
  readonly headersMs: number;
  /** Without a byte of the body, while somebody wants to read it. */
  readonly bodyIdleMs: number;
  /** From an answer to the next request over its connection, after which that is closed. */
  readonly idleMs: number;
  /** All header lines of one answer together, bytes. */
  readonly headerBytes: number;
}

/**
 * Design, section 12 ("Upstream trouble, not cached"); 64 KiB of headers because cloud registries' tokens are long; idle connections are
 * closed well within the 30 s after a load in which its descriptors must be free again.
 */
export const DEFAULT_LIMITS: UpstreamLimits = {
  connections: 128,
  connectMs: 5_000,
  queueMs: 15_000,
  headersMs: 15_000,
  bodyIdleMs: 60_000,
  idleMs: 15_000,
  headerBytes: 64 * 1024,
};
