import { FORCE_DELETION, type Cluster } from '../shoots/cluster.ts';
import { isGoTrue } from '../shoots/go-fields.ts';

/** The part of a Shoot that decides whether its Extensions are handled, and how they are deleted. */
export interface ShootState {
  /** gardenlet has given up on the Shoot until a person retries it. */
  readonly isFailed: boolean;
  /** The owner wants the Shoot gone, whatever cannot be cleaned up. */
  readonly isForceDeleted: boolean;
}

/** Reads the Shoot in a Cluster. A Shoot of an unexpected form counts as neither failed nor force-deleted. */
export function shootStateOf({ spec }: Cluster): ShootState {
  const forceDeletion = at(spec?.shoot, 'metadata', 'annotations', FORCE_DELETION);
  return {
    isFailed: at(spec?.shoot, 'status', 'lastOperation', 'state') === 'Failed',
    isForceDeleted: typeof forceDeletion === 'string' && isGoTrue(forceDeletion),
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
