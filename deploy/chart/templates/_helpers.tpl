{{- define "variant-exporter.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "variant-exporter.selector" -}}
app.kubernetes.io/name: variant-exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "variant-exporter.labels" -}}
{{ include "variant-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "variant-exporter.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- /* The configuration as a text. */ -}}
{{- define "variant-exporter.config" -}}
{{- if kindIs "string" .Values.config }}
{{- .Values.config }}
{{- else }}
{{- $config := deepCopy .Values.config }}
{{- if not (or (hasKey $config "prometheus") (hasKey $config "scrape_configs")) }}
{{- $_ := set $config "prometheus" (dict "url" .Values.prometheus.url) }}
{{- end }}
{{- toYaml $config }}
{{- end }}
{{- end }}
