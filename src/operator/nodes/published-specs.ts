import type { NodeDocumentInput } from '../../fleet/node-document.ts';
import type { Plan } from '../configs/plan.ts';
import { specId, type SpecId } from '../cluster/spec-id.ts';

/** Of each upstream in a document that was made of `plan`, the spec that nodes are told of; not of what stays for an invalid spec. */
export function publishedSpecs(
  { caches = [], mirrors = [] }: NodeDocumentInput,
  plan: Plan,
): ReadonlyMap<string, SpecId> {
  const inDocument = new Set([...caches, ...mirrors].map(({ upstream }) => upstream));
  const planned = [
    ...[...plan.caches.values()].map(({ config: { upstream }, owner }) => ({ upstream, owner })),
    ...plan.mirrors.map(({ mirrors: { upstream }, owner }) => ({ upstream, owner })),
  ];
  return new Map(
    planned
      .filter(({ upstream }) => inDocument.has(upstream))
      .map(({ upstream, owner }) => [upstream, specId(owner)]),
  );
}
