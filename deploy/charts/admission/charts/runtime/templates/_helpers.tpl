{{/* Name of all objects, and of the leader lease. */}}
{{- define "admission.name" -}}
gardener-extension-registry-cache-admission
{{- end }}

{{/* Labels of all objects. They select the Pods too, so they are those of the Go extension: a Deployment cannot change its selector. */}}
{{- define "admission.labels" -}}
app.kubernetes.io/name: {{ include "admission.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Name and namespace of an object. */}}
{{- define "admission.metadata" -}}
name: {{ include "admission.name" . }}
namespace: {{ .Release.Namespace | quote }}
labels:
  {{- include "admission.labels" . | nindent 2 }}
{{- end }}

{{- define "admission.image" -}}
{{- with .Values.image }}
{{- $repository := .ref | default .repository | required "image.repository: say where the image of Larder is, such as registry.example.com/larder" }}
{{- $tag := .tag | default $.Chart.AppVersion }}
{{- if .ref }}{{ .ref }}{{ else }}{{ $repository }}{{ hasPrefix "sha256:" $tag | ternary "@" ":" }}{{ $tag }}{{ end }}
{{- end }}
{{- end }}

{{/* Directory of the virtual garden's kubeconfig. Empty: the program uses the service account of its Pod. */}}
{{- define "admission.kubeconfigDirectory" -}}
{{- if .Values.projectedKubeconfig }}
{{- required "projectedKubeconfig.baseMountPath is required" .Values.projectedKubeconfig.baseMountPath }}
{{- else if .Values.kubeconfig -}}
/kubeconfig
{{- end }}
{{- end }}

{{/* Source of the volume with that kubeconfig. */}}
{{- define "admission.kubeconfigVolume" -}}
{{- if .Values.projectedKubeconfig }}
{{- with .Values.projectedKubeconfig }}
projected:
  defaultMode: 420
  sources:
    - secret:
        name: {{ required "projectedKubeconfig.genericKubeconfigSecretName is required" .genericKubeconfigSecretName }}
        items:
          - key: kubeconfig
            path: kubeconfig
        optional: false
    - secret:
        name: {{ required "projectedKubeconfig.tokenSecretName is required" .tokenSecretName }}
        items:
          - key: token
            path: token
        optional: false
{{- end }}
{{- else }}
secret:
  secretName: {{ include "admission.name" . }}-kubeconfig
  defaultMode: 420
{{- end }}
{{- end }}
