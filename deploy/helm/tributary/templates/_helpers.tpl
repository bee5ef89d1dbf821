{{- define "tributary.name" -}}
{{- if contains "tributary" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-tributary" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "tributary.selector" -}}
app.kubernetes.io/name: tributary
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tributary.labels" -}}
{{ include "tributary.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: tributary
{{- end }}

{{- define "tributary.configSecret" -}}
{{ .Values.config.existingSecret | default (printf "%s-config" (include "tributary.name" .)) }}
{{- end }}

{{- define "tributary.secrets" -}}
{{ .Values.secrets.existingSecret | default (printf "%s-secrets" (include "tributary.name" .)) }}
{{- end }}

{{/* Pre-stop, SHUTDOWN_GRACE, DRAIN_ON_STOP and a margin, one after the other. */}}
{{- define "tributary.terminationGraceSeconds" -}}
{{- with .Values.shutdown }}{{ add .preStop .grace .drain .margin }}{{ end -}}
{{- end }}

{{/* What cannot work is refused here, in words, and not by a pod that never gets ready. */}}
{{- define "tributary.check" -}}
{{- if not .Values.kafka.brokers }}{{ fail "kafka.brokers is empty: several servers share keys, limits and messageIds through Kafka" }}{{ end }}
{{- if gt (mul (int .Values.spoolGiB) 10) (mul (int .Values.persistence.sizeGiB) 8) }}{{ fail (printf "spoolGiB (%d) is more than 80 %% of persistence.sizeGiB (%d): dedupe journals, rejected records and the segment that is written need the rest" (int .Values.spoolGiB) (int .Values.persistence.sizeGiB)) }}{{ end }}
{{- if lt (int .Values.shutdown.margin) 5 }}{{ fail "shutdown.margin is below 5: the process would be killed while it ends" }}{{ end }}
{{- if and (not .Values.secrets.existingSecret) (not (hasKey .Values.secrets.values "ADMIN_PASSWORD")) }}{{ fail "secrets.values.ADMIN_PASSWORD is missing: set it, or secrets.existingSecret" }}{{ end }}
{{- range .Values.secrets.names }}{{ if and (not $.Values.secrets.existingSecret) (not (hasKey $.Values.secrets.values .)) }}{{ fail (printf "secrets.values.%s is missing, and secrets.names names it" .) }}{{ end }}{{ end }}
{{- range $name, $value := .Values.env }}{{ if has $name (list "SHUTDOWN_GRACE" "DRAIN_ON_STOP" "SPOOL_MAX_BYTES" "DATA_DIR" "CONFIG_FILE" "KAFKA_BROKERS" "FLEET" "SERVER_NAME" "ADMIN_URL") }}{{ fail (printf "env.%s is the chart's to set: see values.yaml" $name) }}{{ end }}{{ end }}
{{- end }}

{{/* The variables of a server, and of a Job that drains a volume. */}}
{{- define "tributary.env" -}}
- name: HOST
  value: 0.0.0.0
- name: ADMIN_HOST
  value: 0.0.0.0
- name: DATA_DIR
  value: /data
- name: CONFIG_FILE
  value: /etc/tributary/config/tributary.yml
- name: KAFKA_BROKERS
  value: {{ .Values.kafka.brokers | quote }}
- name: FLEET
  value: "true"
- name: FLEET_NAME
  value: {{ include "tributary.name" . }}
- name: SERVER_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: ADMIN_URL
  value: http://$(SERVER_NAME).{{ include "tributary.name" . }}-servers.{{ .Release.Namespace }}.svc:3001
- name: SPOOL_MAX_BYTES
  value: {{ .Values.spoolGiB }}GiB
- name: SHUTDOWN_GRACE
  value: {{ .Values.shutdown.grace }}s
- name: DRAIN_ON_STOP
  value: {{ .Values.shutdown.drain }}s
{{- range .Values.secrets.names }}
- name: {{ . }}_FILE
  value: /etc/tributary/secrets/{{ . }}
{{- end }}
{{- range $name, $value := .Values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "tributary.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "tributary.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "tributary.mounts" -}}
- name: data
  mountPath: /data
- name: config
  mountPath: /etc/tributary/config
  readOnly: true
- name: secrets
  mountPath: /etc/tributary/secrets
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* All but the data. */}}
{{- define "tributary.volumes" -}}
- name: config
  secret:
    secretName: {{ include "tributary.configSecret" . }}
- name: secrets
  secret:
    secretName: {{ include "tributary.secrets" . }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tributary.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
