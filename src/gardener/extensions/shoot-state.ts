import type { Cluster } from './resources.ts';

/** The part of a Shoot that decides whether its Extensions are handled, and how they are deleted. */
export interface ShootState {
  /** gardenlet has given up on the Shoot until a person retries it. */
  readonly isFailed: boolean;
  /** The owner wants the Shoot gone, whatever cannot be cleaned up. */
  readonly isForceDeleted: boolean;
}

const FORCE_DELETION = 'confirmation.gardener.cloud/force-deletion';

/** Texts that Go's `strconv.ParseBool` reads as true. */
const TRUE: readonly unknown[] = ['1', 't', 'T', 'true', 'TRUE', 'True'];

/** Reads the Shoot in a Cluster. A Shoot of an unexpected form counts as neither failed nor force-deleted. */
export function shootStateOf({ spec }: Cluster): ShootState {
  return {
    isFailed: at(spec.shoot, 'status', 'lastOperation', 'state') === 'Failed',
    isForceDeleted: TRUE.includes(at(spec.shoot, 'metadata', 'annotations', FORCE_DELETION)),
  };
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (part, name) =>
      typeof part === 'object' && part !== null && Object.hasOwn(part, name)
        ? (part as Readonly<Record<string, unknown>>)[name]
        : undefined,
    value,
  );
}
