import { LarderError } from '../../kit/errors.ts';
import { secretNames, type SecretReferences } from '../../operator/render/secret-object.ts';
import { missingReferenceText, secretTargets, type ShootResource } from '../shoots/shoot-resources.ts';

/** Begin of the name under which gardenlet copies a Secret of `spec.resources` into the namespace of a shoot. */
export const COPY_PREFIX = 'ref-';

/** Copies of referenced Secrets by name. Contents in base64. One that does not exist is left out. */
export type SecretCopies = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** The Secrets to which caches may refer. */
export interface ReferencedSecrets {
  /** `spec.resources` of the Shoot. */
  readonly resources: readonly ShootResource[];
  readonly copies: SecretCopies;
}

/** Names of all copies that the caches refer to, without duplicates. References that lead nowhere are left out. */
export function referencedCopies(
  caches: readonly SecretReferences[],
  resources: readonly ShootResource[],
): string[] {
  const targets = secretTargets(resources);
  const names = caches.flatMap(secretNames).map((reference) => targets.get(reference));
  return [...new Set(names.filter((name) => name !== undefined).map((name) => COPY_PREFIX + name))];
}

/** Reads the content to which `reference` leads. Throws `CONFIG_INVALID` in the words of the Go extension if there is none. */
export function readReference(
  { resources, copies }: ReferencedSecrets,
  reference: string,
): Readonly<Record<string, string>> {
  const target = secretTargets(resources).get(reference);
  if (target === undefined) throw new LarderError('CONFIG_INVALID', missingReferenceText(reference));
  const copy = COPY_PREFIX + target;
  const content = copies.get(copy);
  if (content !== undefined) return content;
  const message = `failed to read referenced secret ${copy} for reference ${reference}`;
  throw new LarderError('CONFIG_INVALID', message);
}
