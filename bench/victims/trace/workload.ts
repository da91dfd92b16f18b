/** Amounts of pulls through the cache. */
export interface Workload {
  readonly days: number;
  /** Average over the week. */
  readonly rolloutsPerDay: number;
  /** Images that CI builds on a working day. */
  readonly buildsPerDay: number;
  /** Nights in which a scanner pulls every image once; Infinity: no scanner. */
  readonly nightsPerScan: number;
  /** Days between two large images of models. */
  readonly daysPerModel: number;
}

/** A month at a cache for one organisation; a scanner pulls every image each night. */
export const SCANNED_MONTH: Workload = {
  days: 30,
  rolloutsPerDay: 100,
  buildsPerDay: 60,
  nightsPerScan: 1,
  daysPerModel: 3,
};

/** The same without a scanner: only CI and models are used once. */
export const PLAIN_MONTH: Workload = { ...SCANNED_MONTH, nightsPerScan: Infinity };
