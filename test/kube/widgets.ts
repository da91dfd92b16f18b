import type { Intent, KubeObject, Resource } from '../../src/kube/types.ts';

/** A kind with a spec, a status and nothing else of interest. */
export interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number; readonly colour?: string };
  readonly status?: { readonly phase?: string };
}

export const WIDGETS: Resource<Widget> = {
  group: 'test.example',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

/** A new widget in the namespace `test`. */
export function widget(name: string, spec: NonNullable<Widget['spec']> = {}): Intent<Widget> {
  return { apiVersion: 'test.example/v1', kind: 'Widget', metadata: { namespace: 'test', name }, spec };
}

/** Definition of the kind for a real API server. */
export const WIDGET_DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.test.example' },
  spec: {
    group: WIDGETS.group,
    scope: 'Namespaced',
    names: { kind: WIDGETS.kind, plural: WIDGETS.plural, singular: 'widget' },
    versions: [
      {
        name: WIDGETS.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: { size: { type: 'integer' }, colour: { type: 'string' } },
              },
              status: { type: 'object', properties: { phase: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
};
