{{/* Name of all objects. */}}
{{- define "extension.name" -}}
gardener-extension-registry-cache
{{- end }}

{{/* Labels of all objects, as the Go extension has them. */}}
{{- define "extension.labels" -}}
app.kubernetes.io/name: {{ include "extension.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ include "extension.name" . }}
{{- end }}

{{/* Name and labels of an object without a namespace. */}}
{{- define "extension.metadata" -}}
name: {{ include "extension.name" . }}
labels:
  {{- include "extension.labels" . | nindent 2 }}
{{- end }}
