import { stringify } from 'yaml';
import type { StructuralSchema } from './structural-schema.ts';

/** One of Larder's kinds, as an API server needs to know it. */
export interface CustomResource {
  /** `<group>/<version>`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: StructuralSchema;
  readonly status: StructuralSchema;
  /** The columns of `kubectl get` after the name. */
  readonly columns: readonly PrinterColumn[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Above 0: shown only with `-o wide`. */
  readonly priority?: number;
}

/** Makes the CustomResourceDefinition: namespaced, with one version and a status subresource. */
export function customResourceDefinition(of: CustomResource) {
  const [group = '', version = ''] = of.apiVersion.split('/');
  const singular = of.kind.toLowerCase();
  const plural = `${singular}s`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind: of.kind,
        listKind: `${of.kind}List`,
        plural,
        singular,
        shortNames: [of.shortName],
        categories: ['larder'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: of.columns,
          schema: { openAPIV3Schema: objectSchema(of) },
        },
      ],
    },
  };
}

/** Prints a CustomResourceDefinition as the text of its file in `deploy/crds`. */
export function crdYaml(definition: object): string {
  const header = '# Generated from the schemas in src/api by `npm run generate`; a test keeps it in step.\n';
  return header + stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false });
}

function objectSchema({ description, spec, status }: CustomResource): StructuralSchema {
  return {
    description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { description: 'Group and version of this schema.', type: 'string' },
      kind: { description: 'Kind of this object.', type: 'string' },
      metadata: { type: 'object' },
      spec,
      status,
    },
  };
}
