import { LarderError } from '../../src/kit/errors.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from '../../src/kube/types.ts';

/**
 * Owner reference by which `owner` controls an object in `namespace`: the object is deleted with its owner.
 *
 * @throws LarderError `INTERNAL` if the owner is in another namespace. The garbage collector would take the object for an orphan and delete
 * it (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/).
 */
export function controllerReference(owner: KubeObject, namespace: string | undefined): OwnerReference {
  const { name, uid, namespace: home } = owner.metadata;
  if (home !== undefined && home !== namespace)
    throw new LarderError(
      'INTERNAL',
      `${owner.kind} ${home}/${name} cannot own an object in ${namespace ?? 'no namespace'}`,
    );
  if (uid === undefined)
    throw new LarderError('INTERNAL', `${owner.kind} ${name} has no uid and cannot own objects`);
  const { apiVersion, kind } = owner;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Reference to the controlling owner in this metadata. */
export function controllerOf({ ownerReferences = [] }: ObjectMeta): OwnerReference | undefined {
  return ownerReferences.find(({ controller }) => controller === true);
}

/** True if `owner` itself controls the object, not another object of its name. */
export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  const uid = controllerOf(object.metadata)?.uid;
  return uid !== undefined && uid === owner.metadata.uid;
}
