import { crdYaml } from '../src/api/crd/crd-yaml.ts';
import { MIRROR_CONFIG_CRD } from '../src/api/crd/mirror-config-crd.ts';
import { REGISTRY_CONFIG_CRD } from '../src/api/crd/registry-config-crd.ts';

/** The files below `deploy/` that follow from the source, and are checked in for those who have no use for a program. */
export const GENERATED_FILES: readonly { readonly name: string; readonly text: string }[] = [
  REGISTRY_CONFIG_CRD,
  MIRROR_CONFIG_CRD,
].map((definition) => ({ name: `crds/${definition.metadata.name}.yaml`, text: crdYaml(definition) }));
