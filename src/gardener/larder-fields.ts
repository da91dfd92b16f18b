import { z } from 'zod';
import { addedFields } from '../api/document/added-fields.ts';
import { readDocument } from '../api/document/parse-document.ts';
import { API_VERSION, KIND, registryConfigSchema } from '../api/registry-config/schema.ts';
import { LarderError } from '../kit/errors.ts';
import type { Cluster } from './shoots/cluster.ts';
import { goList, goStruct, goText, unmarshalText } from './shoots/go-fields.ts';
import { SHOOT_RESOURCES } from './shoots/shoot-resources.ts';

/** The part of a Shoot that says which fields it uses. */
export interface ShootExtensions {
  /** `NAMESPACE/NAME` in the garden. */
  readonly shoot: string;
  /** The `providerConfig` of each entry of type `registry-cache`, disabled ones included: the Go admission reads these as well. */
  readonly configurations: readonly unknown[];
  readonly resources: z.output<typeof SHOOT_RESOURCES>;
}

/** Fields of a configuration that Go refuses, and references to Secrets that it may not be able to read. */
export interface FoundFields {
  readonly paths: readonly string[];
  /** Names of references, by the path of their field. */
  readonly references: ReadonlyMap<string, string>;
}

/** Reads the Shoot of a Cluster. Throws `CONFIG_INVALID` if there is none, or if it is no Shoot. */
export function shootExtensions({ metadata, spec }: Cluster): ShootExtensions {
  const result = SHOOT.safeParse(spec?.shoot ?? undefined);
  if (!result.success) {
    const why = spec?.shoot == null ? 'it has no Shoot' : unmarshalText(spec.shoot, result.error);
    throw new LarderError('CONFIG_INVALID', `Cluster ${metadata.name}: ${why}`);
  }
  const { metadata: shoot, spec: found } = result.data;
  return {
    shoot: `${shoot.namespace}/${shoot.name}`,
    configurations: found.extensions
      .filter(({ type }) => type === 'registry-cache')
      .map(({ providerConfig }) => providerConfig),
    resources: found.resources,
  };
}

/** Finds what the Go extension refuses or cannot use in a configuration, whatever else is wrong with it. */
export function larderFields(providerConfig: unknown): FoundFields {
  const type = { apiVersion: API_VERSION, kind: KIND, schema: registryConfigSchema };
  const { value } = readDocument(type, providerConfig, '');
  const references = new Map<string, string>();
  for (const [index, { secretReferenceName: name }] of (value?.caches ?? []).entries()) {
    if (name !== undefined) references.set(`caches[${index}].secretReferenceName`, name);
  }
  return { paths: addedFields(registryConfigSchema, providerConfig), references };
}

const SHOOT = z.object(
  {
    metadata: goStruct('Shoot.metadata of type v1.ObjectMeta', {
      name: goText('ObjectMeta.metadata.name of type string'),
      namespace: goText('ObjectMeta.metadata.namespace of type string'),
    }),
    spec: goStruct('Shoot.spec of type v1beta1.ShootSpec', {
      extensions: goList(
        'ShootSpec.spec.extensions of type []v1beta1.Extension',
        goStruct('ShootSpec.spec.extensions of type v1beta1.Extension', {
          type: goText('Extension.spec.extensions.type of type string'),
          providerConfig: z.unknown().optional(),
        }),
      ),
      resources: SHOOT_RESOURCES,
    }),
  },
  'Shoot of type v1beta1.Shoot',
);
