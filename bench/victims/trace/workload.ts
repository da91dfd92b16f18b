/** What passes through the cache, and how much of it. */
export interface Workload {
  readonly days: number;
  /** On average over the week. */
  readonly rolloutsPerDay: number;
  /** Images that CI builds on a working day. */
  readonly buildsPerDay: number;
  /** Nights in which a scanner has pulled every image once; Infinity for no scanner. */
  readonly nightsPerScan: number;
  /** From one large image of models to the next. */
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

/** The same without a scanner: only CI and models pass by. */
export const PLAIN_MONTH: Workload = { ...SCANNED_MONTH, nightsPerScan: Infinity };
