import type { CacheEntryStatus } from '../../api/status/registry-config-status.ts';
import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import type { RegistryConfigObject } from '../cluster/resources.ts';

/** What the status of an object says of its cache `key`; undefined where it says nothing. */
export function entryOf(object: ConfigObject, key: string): CacheEntryStatus | undefined {
  if (object.kind === 'MirrorConfig') return undefined;
  const { status } = object as RegistryConfigObject;
  return status?.caches?.find(({ upstream }) => upstreamResourceName(upstream) === key);
}
