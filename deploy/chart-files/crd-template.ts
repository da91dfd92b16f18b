import { stringify } from 'yaml';

/**
 * A CustomResourceDefinition as a template of the chart. It is none of Helm's `crds/`, which are installed once and never updated: a
 * new field would then be dropped by the old CRD.
 */
export function crdTemplate(definition: CustomResourceDefinition): string {
  const { apiVersion, kind, metadata, spec } = definition;
  return [
    '{{- /* Generated from the schemas in src/api by `npm run generate`; a test keeps it in step. */}}',
    '{{- if .Values.crds.install }}',
    yaml({ apiVersion, kind, metadata }),
    '  labels:',
    '    {{- include "larder.labels" . | nindent 4 }}',
    '  {{- if .Values.crds.keep }}',
    '  annotations:',
    '    helm.sh/resource-policy: keep',
    '  {{- end }}',
    yaml({ spec }),
    '{{- end }}',
    '',
  ].join('\n');
}

interface CustomResourceDefinition {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

/** Text of a schema that looks like a template is text all the same. */
function yaml(value: object): string {
  const text = stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
  return text.replaceAll('{{', '{{ "{{" }}');
}
