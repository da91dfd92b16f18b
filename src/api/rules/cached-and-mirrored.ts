import { problemsAt, type Problem } from '../../kit/document/field-problem.ts';
import { maskUserInfo } from './host-and-url.ts';
import { alsoConfiguredMessage } from './rule-messages.ts';

/**
 * The upstreams of a `MirrorConfig` that are cached as well, in the words of the Gardener extension: nodes have one place for
 * what is configured for an upstream. Names are compared as they are written. As there, an upstream that stands twice among the
 * mirrors is told the second time too, whether it is cached or not.
 */
export function cachedAndMirroredProblems(
  mirrors: readonly { readonly upstream: string }[],
  cached: Iterable<string>,
  prefix = '',
): Problem[] {
  const problems = problemsAt(prefix);
  const taken = new Set(cached);
  return mirrors.flatMap(({ upstream }, index) => {
    if (!taken.has(upstream)) {
      taken.add(upstream);
      return [];
    }
    const name = maskUserInfo(upstream);
    return [problems.invalid(['mirrors', index, 'upstream'], name, alsoConfiguredMessage(name, 'cache'))];
  });
}
