{{/* Name of the Go extension, after which its objects and the registration of its webhooks are called. */}}
{{- define "extension.goName" -}}
gardener-extension-registry-cache
{{- end }}

{{/* Name of all objects. */}}
{{- define "extension.name" -}}
{{ include "extension.goName" . }}{{ .Values.nameSuffix }}
{{- end }}

{{/* Labels that select the Pods, as in the Go extension: a Deployment cannot change its selector. */}}
{{- define "extension.selector" -}}
app.kubernetes.io/name: {{ include "extension.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of all objects, as the Go extension has them. */}}
{{- define "extension.labels" -}}
{{ include "extension.selector" . }}
helm.sh/chart: {{ include "extension.goName" . }}
{{- end }}

{{/* Name and labels of an object without a namespace. */}}
{{- define "extension.metadata" -}}
name: {{ include "extension.name" . }}
labels:
  {{- include "extension.labels" . | nindent 2 }}
{{- end }}

{{/* Image of the program. */}}
{{- define "extension.image" -}}
{{- with .Values.image }}
{{- $repository := .ref | default .repository | required "image.repository: say where the image of Larder is, such as registry.example.com/larder" }}
{{- $tag := .tag | default $.Chart.AppVersion }}
{{- if .ref }}{{ .ref }}{{ else }}{{ $repository }}{{ hasPrefix "sha256:" $tag | ternary "@" ":" }}{{ $tag }}{{ end }}
{{- end }}
{{- end }}

{{/* Component configuration. It has no settings. */}}
{{- define "extension.config" -}}
apiVersion: config.registry.extensions.gardener.cloud/v1alpha1
kind: Configuration
{{- end }}
