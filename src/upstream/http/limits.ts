/** Bounds of one upstream. Times in milliseconds. */
export interface UpstreamLimits {
  /** Connections per origin: to the registry, and to each host that it redirects to. */
  readonly connections: number;
  /** Time to open a connection, name resolution and TLS included. */
  readonly connectMs: number;
  /** Time to wait for a free connection. */
  readonly queueMs: number;
  /** Time from the sent request to the headers of its answer. */
  readonly headersMs: number;
  /** Time without a byte of the body while the reader wants more. */
  readonly bodyIdleMs: number;
  /** Time from an answer to the next request over its connection. Then the connection is closed. */
  readonly idleMs: number;
  /** All header lines of one answer together, bytes. */
  readonly headerBytes: number;
}

/**
 * Time-outs of docs/laws.md, "Do no harm". Headers may have 64 KiB because tokens of cloud registries are long. Idle connections are closed
 * well within the 30 s in which the descriptors of a load must be free again.
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
