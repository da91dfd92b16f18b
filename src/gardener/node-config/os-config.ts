import { z } from 'zod';
import {
  goList,
  goOptionalStruct,
  goOptionalText,
  goStruct,
  goText,
  goTextMap,
  unmarshalText,
} from '../shoots/go-fields.ts';
import { Denial } from '../webhook/denial.ts';

/** An OperatingSystemConfig as far as this extension reads it: what gardenlet wants on the nodes of a worker pool. */
export type OsConfig = z.output<typeof OS_CONFIG>;

/** Content of a file, in an encoding. */
export interface InlineContent {
  readonly encoding: string;
  readonly data: string;
}

/** Purpose of the configuration of nodes that run. The other one is for their first boot. */
export const RECONCILE = 'reconcile';

/**
 * Reads the object of a request. Other fields are not looked at. Throws a {@link Denial} with code 400 that begins with `words`, if a field has a
 * value of another type.
 */
export function readOsConfig(object: unknown, words: string): OsConfig {
  const result = OS_CONFIG.safeParse(object);
  if (result.success) return result.data;
  throw new Denial(`${words}: ${unmarshalText(object, result.error)}`, 400);
}

const INLINE = goOptionalStruct('FileContent.spec.files.content.inline of type v1alpha1.FileContentInline', {
  encoding: goText('FileContentInline.spec.files.content.inline.encoding of type string'),
  data: goText('FileContentInline.spec.files.content.inline.data of type string'),
});

const FILE = goStruct('OperatingSystemConfigSpec.spec.files of type v1alpha1.File', {
  path: goText('File.spec.files.path of type string'),
  content: goStruct('File.spec.files.content of type v1alpha1.FileContent', { inline: INLINE }),
});

const UNIT = goStruct('OperatingSystemConfigSpec.spec.units of type v1alpha1.Unit', {
  name: goText('Unit.spec.units.name of type string'),
  content: goOptionalText('Unit.spec.units.content of type string'),
});

const REGISTRY = goStruct(
  'ContainerdConfig.spec.criConfig.containerd.registries of type v1alpha1.RegistryConfig',
  {
    upstream: goText('RegistryConfig.spec.criConfig.containerd.registries.upstream of type string'),
  },
);

const OS_CONFIG = z.object(
  {
    metadata: goStruct('OperatingSystemConfig.metadata of type v1.ObjectMeta', {
      namespace: goText('ObjectMeta.metadata.namespace of type string'),
      deletionTimestamp: goText('ObjectMeta.metadata.deletionTimestamp of type v1.Time'),
      labels: goTextMap(
        'ObjectMeta.metadata.labels of type map[string]string',
        'ObjectMeta.metadata.labels of type string',
      ),
    }),
    spec: goStruct('OperatingSystemConfig.spec of type v1alpha1.OperatingSystemConfigSpec', {
      purpose: goText('OperatingSystemConfigSpec.spec.purpose of type v1alpha1.OperatingSystemConfigPurpose'),
      units: goList('OperatingSystemConfigSpec.spec.units of type []v1alpha1.Unit', UNIT),
      files: goList('OperatingSystemConfigSpec.spec.files of type []v1alpha1.File', FILE),
      criConfig: goOptionalStruct('OperatingSystemConfigSpec.spec.criConfig of type v1alpha1.CRIConfig', {
        containerd: goOptionalStruct(
          'CRIConfig.spec.criConfig.containerd of type v1alpha1.ContainerdConfig',
          {
            registries: goList(
              'ContainerdConfig.spec.criConfig.containerd.registries of type []v1alpha1.RegistryConfig',
              REGISTRY,
            ),
          },
        ),
      }),
    }),
  },
  'OperatingSystemConfig of type v1alpha1.OperatingSystemConfig',
);
