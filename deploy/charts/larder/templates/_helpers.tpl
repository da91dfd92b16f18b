{{/* Labels of everything in the chart. `app.kubernetes.io/managed-by` is Helm's own, which it adds by itself. */}}
{{- define "larder.labels" -}}
app.kubernetes.io/name: larder
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: larder
{{- end }}

{{/* Labels by which the Pods of one component are found: they never change. Takes its name. */}}
{{- define "larder.selector" -}}
app.kubernetes.io/name: larder
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* The one image of all programs. */}}
{{- define "larder.image" -}}
{{- $repository := required "image.repository: say where the image of Larder is, such as registry.example.com/larder" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* Of a Pod spec: the Secrets that its image is pulled with. */}}
{{- define "larder.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Of a Pod spec: where it runs. Takes the values of the component. */}}
{{- define "larder.scheduling" -}}
{{- $fields := dict }}
{{- range $name := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $ $name }}{{ $_ := set $fields $name . }}{{ end }}
{{- end }}
{{- with $fields }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* securityContext of a container: nothing here needs more, not even the agent, which owns what it writes. */}}
{{- define "larder.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* securityContext of a Pod of the operator, as the Pod Security Standard `restricted` asks for. */}}
{{- define "larder.operatorSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* How the operator is called, also to take everything away. */}}
{{- define "larder.operatorArguments" -}}
- operator
- --image={{ include "larder.image" . }}
{{- with .Values.image.pullSecrets }}
- --image-pull-secret={{ join "," . }}
{{- end }}
- --node-agent=larder-node-agent
- --relay-port={{ .Values.nodeAgent.port }}
- --claim-retention={{ .Values.claimRetention }}
- --cache-service-account=larder-cache
{{- with include "larder.cachePodLabels" . | fromJson }}
- {{ printf "--cache-pod-labels=%s" (include "larder.pairs" .) | quote }}
{{- end }}
{{- with .Values.cache.serviceMonitor.labels }}
- {{ printf "--service-monitor-labels=%s" (include "larder.pairs" .) | quote }}
{{- end }}
{{- with .Values.priorityClassName }}
- --priority-class={{ . }}
{{- end }}
- --log-level={{ .Values.logLevel }}
- --log-format=json
{{- end }}

{{/* Labels of the Pods of caches, as JSON. What clouds make of the account goes into a Pod when it is made: hence its mark. */}}
{{- define "larder.cachePodLabels" -}}
{{- $labels := deepCopy .Values.cache.podLabels }}
{{- with .Values.cache.serviceAccount.annotations }}
{{- $_ := set $labels "larder/service-account" (toJson . | sha256sum | trunc 16) }}
{{- end }}
{{- toJson $labels }}
{{- end }}

{{/* Labels as a flag takes them: `name=value`, separated by commas. */}}
{{- define "larder.pairs" -}}
{{- $pairs := list }}
{{- range $name, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $name $value) }}{{ end }}
{{- join "," $pairs }}
{{- end }}

{{/* What the operator learns of its own Pod. */}}
{{- define "larder.operatorEnvironment" -}}
- name: LARDER_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: LARDER_IDENTITY
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}
