{{- define "studio-action.name" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) -}}
{{- $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "studio-action.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "studio-action.labels" -}}
{{ include "studio-action.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "studio-action.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "studio-action.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "studio-action.name" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{/* The sub-path of config.url, '/' for none. */}}
{{- define "studio-action.path" -}}
{{- $path := (urlParse (.Values.config.url | default "")).path | default "/" -}}
{{ if eq $path "/" }}/{{ else }}{{ $path | trimSuffix "/" }}{{ end }}
{{- end }}

{{/* The configuration file: that of the values, and what the chart itself decides. */}}
{{- define "studio-action.config" -}}
{{- $own := dict "data-dir" "/data" "host" "0.0.0.0" "port" 8000
      "drain" (printf "%ds" (int .Values.drainSeconds)) "grace" (printf "%ds" (int .Values.graceSeconds)) }}
{{- if .Values.metrics.existingSecret }}
{{- $_ := set $own "metrics-token" (dict "env" "STUDIO_ACTION_METRICS_TOKEN") }}
{{- end }}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $own) }}
{{- end }}

{{- define "studio-action.database" -}}
- name: STUDIO_ACTION_DATABASE
  valueFrom:
    secretKeyRef: {name: {{ .Values.database.existingSecret | quote }}, key: {{ .Values.database.key | quote }}}
{{- end }}
