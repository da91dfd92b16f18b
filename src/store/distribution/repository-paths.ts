import { entriesOf, rethrow } from '../files/entries.ts';
import type { DistributionLayout } from './distribution-layout.ts';

/** Characters of the longest name of a repository. */
const NAME_LIMIT = 255;

/**
 * Yields the path below `repositories` of each folder that is a repository: it has folders of the registry's own, whose names begin with `_`. The path
 * need not be a name that a client can request. `onError`: called for a folder that cannot be read; what it throws ends the iteration, which is the default. Rejects
 * with the signal's reason when it aborts.
 */
export async function* repositoryPaths(
  { repositories }: Pick<DistributionLayout, 'repositories'>,
  signal: AbortSignal,
  onError: (error: unknown) => void = rethrow,
): AsyncGenerator<string> {
  yield* below('');

  async function* below(path: string): AsyncGenerator<string> {
    if (path.length > NAME_LIMIT) return;
    let isRepository = false;
    try {
      for await (const page of entriesOf(`${repositories}/${path}`, signal)) {
        for (const entry of page) {
          if (entry.name.startsWith('_')) isRepository = true;
          // A symbolic link may lead in a circle, and Distribution makes none.
          else if (entry.isDirectory()) yield* below(path === '' ? entry.name : `${path}/${entry.name}`);
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      onError(error);
    }
    if (isRepository) yield path;
  }
}
