import type { StructuralSchema } from './structural-schema.ts';

/** One of our kinds, and what an API server is to know of it. */
export interface CustomResource {
  /** `<group>/<version>`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: StructuralSchema;
  readonly status: StructuralSchema;
  /** What `kubectl get` shows between name and age. */
  readonly columns: readonly PrinterColumn[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Above 0: with `-o wide` only. */
  readonly priority?: number;
}

/** The CustomResourceDefinition, ready to be applied: namespaced, one version, its status a subresource. */
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

function objectSchema({ description, spec, status }: CustomResource): StructuralSchema {
  return {
    description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { description: 'Group and version of this schema.', type: 'string' },
      kind: { description: 'The kind of this object.', type: 'string' },
      metadata: { type: 'object' },
      spec,
      status,
    },
  };
}
