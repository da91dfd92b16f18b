/** The longest that a token of Larder's lives: what it holds is the upstream's to end. */
export const MAX_LIFE_MS = 3600_000;

/** A token whose upstream names no time: a password of the Basic scheme, or nothing to send at all. */
export const DEFAULT_LIFE_MS = 300_000;

/** A token given on an earlier proof: after so long the upstream is tried again. */
export const GRACE_LIFE_MS = 60_000;
