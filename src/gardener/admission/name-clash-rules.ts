import type { RegistryConfigDocument } from '../../api/registry-config/schema.ts';
import { maskUserInfo } from '../../api/rules/host-and-url.ts';
import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import type { Problem, Problems } from '../../kit/document/field-problem.ts';

/**
 * Refuses two upstreams whose objects would have one name, such as `a.b.io` and `a-b.io`. A `serviceNameSuffix` names the Service only. Two that a
 * Shoot had before are left alone, because the Gardener extension has accepted them.
 */
export function nameClashProblems(
  old: RegistryConfigDocument | undefined,
  { caches }: RegistryConfigDocument,
  problems: Problems,
): Problem[] {
  const before = new Set(old?.caches.map(({ upstream }) => upstream));
  const owners = new Map<string, string>();
  return caches.flatMap(({ upstream }, index) => {
    const name = upstreamResourceName(upstream);
    const owner = owners.get(name) ?? upstream;
    owners.set(name, owner);
    if (owner === upstream || (before.has(owner) && before.has(upstream))) return [];
    const detail = `cannot collide with ${goQuote(maskUserInfo(owner))} upstream: the objects of both would be named ${goQuote(maskUserInfo(name))}`;
    return [problems.invalid(['caches', index, 'upstream'], maskUserInfo(upstream), detail)];
  });
}
