import { problemsAt, type Problem } from '../../kit/document/field-problem.ts';
import { maskUserInfo } from './host-and-url.ts';
import { alsoConfiguredMessage } from './rule-messages.ts';

/**
 * Reports the upstreams of a `MirrorConfig` that are cached as well, in the words of the Gardener extension: a node has one
 * `hosts.toml` for each upstream. Names are compared as written. As in the extension, an upstream that is listed twice among the
 * mirrors is reported for its second entry, even if it is not cached.
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
