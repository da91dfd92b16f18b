import { stringify } from 'yaml';

/**
 * Writes a CustomResourceDefinition as a template of the chart. Helm installs a chart's `crds/` once and never updates them, so an old
 * CRD would drop a new field.
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

/** Escapes `{{` and `}}`, so that Helm leaves text of a schema that looks like a template as it is. */
function yaml(value: object): string {
  const text = stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
  return text.replaceAll('{{', '{{ "{{" }}');
}
