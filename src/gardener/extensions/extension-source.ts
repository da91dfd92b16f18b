import type { KeySource } from '../../kube/controller/key-source.ts';
import { keyText } from '../../kube/controller/object-key.ts';
import type { ExtensionType } from '../names.ts';
import { isResponsible } from './extension-facts.ts';
import { isTrigger, type FilterOptions } from './filter.ts';
import type { WatchedExtension, WatchedExtensions } from './watched-extensions.ts';

/**
 * Source of the keys of Extensions of `type` that may need work: those whose event passes the filter, and, when a Cluster appears, those of
 * its namespace that have waited for it.
 */
export function createExtensionSource(
  watched: WatchedExtensions,
  type: ExtensionType,
  options: FilterOptions,
): KeySource {
  const { extensions, clusters } = watched;

  function concerns(before: WatchedExtension | undefined, after: WatchedExtension): boolean {
    return isResponsible(after.facts, type) && isTrigger(before?.facts, after.facts, options);
  }

  return {
    onChange(handler) {
      extensions.onChange((before, after) => {
        if (after !== undefined && concerns(before, after)) handler(keyText(after.metadata));
      });
      clusters.onChange((before, after) => {
        if (before !== undefined || after === undefined) return;
        for (const waiting of extensions.list(after.metadata.name))
          if (concerns(undefined, waiting)) handler(keyText(waiting.metadata));
      });
    },
    whenSynced: (signal) => watched.whenSynced(signal),
  };
}
