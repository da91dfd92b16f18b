import { createHash } from 'node:crypto';
import { z } from 'zod';
import { LarderError } from '../kit/errors.ts';
import { parseJson } from '../kit/json.ts';
import type { ConfigMap } from '../kube/objects/config-maps.ts';

/** The ConfigMap of a Gardener shoot that names the upstreams of the Shoot's own caches and mirrors, and the key in it. */
export const TAKEN_CONFIG_MAP = 'larder-taken';
export const TAKEN_KEY = 'taken.json';

/** Upstreams that no object in the cluster can have, because they are configured outside of it. */
export interface TakenUpstreams {
  /** Names this list: another list has another number, from 1. */
  readonly revision: number;
  /** Sorted, each once. */
  readonly upstreams: readonly string[];
}

export function takenUpstreams(all: Iterable<string>): TakenUpstreams {
  const upstreams = [...new Set(all)].toSorted();
  const hash = createHash('sha256').update(JSON.stringify(upstreams)).digest();
  return { revision: hash.readUIntBE(0, 6) + 1, upstreams };
}

/** Returns `data` of the ConfigMap. */
export function takenData(taken: TakenUpstreams): Readonly<Record<string, string>> {
  return { [TAKEN_KEY]: JSON.stringify(taken) };
}

/** Reads the list from the ConfigMap. Throws `CONFIG_INVALID`. */
export function readTakenUpstreams({ metadata, data }: ConfigMap): TakenUpstreams {
  const found = TAKEN.safeParse(parseJson(data?.[TAKEN_KEY] ?? ''));
  if (found.success) return found.data;
  const place = `ConfigMap ${metadata.namespace}/${metadata.name}: ${TAKEN_KEY}`;
  const [issue] = found.error.issues;
  const path = issue?.path.join('.') ?? '';
  throw new LarderError(
    'CONFIG_INVALID',
    `${place}: ${path === '' ? '' : `${path}: `}${issue?.message}; expected {"revision": <number>, "upstreams": [<host>, ...]}`,
  );
}

const TAKEN = z.object({
  revision: z.int().min(1),
  upstreams: z.array(z.string().max(512)).max(10_000),
});
