{{/* Labels of everything in the chart. Helm itself adds `app.kubernetes.io/managed-by`. */}}
{{- define "larder.labels" -}}
app.kubernetes.io/name: larder
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: larder
{{- end }}

{{/* Labels that select the Pods of one component. They never change. Takes the component's name. */}}
{{- define "larder.selector" -}}
app.kubernetes.io/name: larder
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* Image of all programs. */}}
{{- define "larder.image" -}}
{{- $repository := required "image.repository: say where the image of Larder is, such as registry.example.com/larder" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* Field of a Pod spec: Secrets for pulling the image. */}}
{{- define "larder.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Fields of a Pod spec that choose its node. Takes the values of the component. */}}
{{- define "larder.scheduling" -}}
{{- $fields := dict }}
{{- range $name := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $ $name }}{{ $_ := set $fields $name . }}{{ end }}
{{- end }}
{{- with $fields }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* securityContext of a container. No program needs more, not even the agent, which owns the files that it writes. */}}
{{- define "larder.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* securityContext of the operator's Pods, as the Pod Security Standard `restricted` requires. */}}
{{- define "larder.operatorSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Arguments of the operator, also for an uninstall. */}}
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
{{- with .Values.cache.nodeSelector }}
- {{ printf "--cache-node-selector=%s" (include "larder.pairs" .) | quote }}
{{- end }}
{{- with .Values.cache.tolerations }}
- {{ printf "--cache-tolerations=%s" (toJson .) | quote }}
{{- end }}
{{- with .Values.objectLabels }}
- {{ printf "--object-labels=%s" (include "larder.pairs" .) | quote }}
{{- end }}
{{- with .Values.cache.serviceMonitor.labels }}
- {{ printf "--service-monitor-labels=%s" (include "larder.pairs" .) | quote }}
{{- end }}
{{- with .Values.priorityClassName }}
- --priority-class={{ . }}
{{- end }}
{{- with .Values.trustedCa }}
- --trusted-ca={{ . }}
{{- end }}
- --log-level={{ .Values.logLevel }}
- --log-format=json
{{- end }}

{{/* Labels of the caches' Pods, as JSON. Clouds read the account's annotations when a Pod is created, so a hash of them is a label. */}}
{{- define "larder.cachePodLabels" -}}
{{- $labels := deepCopy .Values.cache.podLabels }}
{{- with .Values.cache.serviceAccount.annotations }}
{{- $_ := set $labels "larder/service-account" (toJson . | sha256sum | trunc 16) }}
{{- end }}
{{- toJson $labels }}
{{- end }}

{{/* Labels in the form of a flag: `name=value`, separated by commas. */}}
{{- define "larder.pairs" -}}
{{- $pairs := list }}
{{- range $name, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $name $value) }}{{ end }}
{{- join "," $pairs }}
{{- end }}

{{/* Environment of the operator: its namespace and the name of its Pod. */}}
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
