{{- define "xray-daemon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "xray-daemon.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "xray-daemon.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "xray-daemon.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "xray-daemon.selectorLabels" -}}
app.kubernetes.io/name: {{ include "xray-daemon.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "xray-daemon.labels" -}}
{{ include "xray-daemon.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: xray
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "xray-daemon.image" -}}
{{- $repository := required "image.repository is empty and there is no public image; build and push one (k8s/README.md, step 3), then --set image.repository=ACCOUNT.dkr.ecr.REGION.amazonaws.com/xray-daemon" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "xray-daemon.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "xray-daemon.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What does not go together, said before anything is rendered. */}}
{{- define "xray-daemon.check" -}}
{{- range splitList "," .Values.backend -}}
{{- if has (trim .) (list "local" "both") -}}
{{- fail (printf "backend %q would keep traces in each node's daemon and split every trace by node; --set mode=console runs one daemon that keeps and shows all of them" .) -}}
{{- else if not (has (trim .) (list "aws" "otlp")) -}}
{{- fail (printf "backend %q is none; it is aws, otlp, or aws,otlp" .) -}}
{{- end -}}
{{- end -}}
{{- if and (contains "otlp" .Values.backend) (not .Values.otlp.endpoint) -}}
{{- fail "backend otlp needs to know where to send spans; --set otlp.endpoint=http://collector.NAMESPACE:4318" -}}
{{- end -}}
{{- if and .Values.otlp.endpoint (not (contains "otlp" .Values.backend)) -}}
{{- fail "otlp.endpoint is only used by backend otlp; --set backend=otlp, or leave the endpoint out" -}}
{{- end -}}
{{- if and (eq .Values.mode "sidecar") (semverCompare "<1.29-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "mode sidecar needs Kubernetes 1.29, where a container may start before the application and end after it; this is %s" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and .Values.service.trafficDistribution (ne .Values.service.internalTrafficPolicy "Cluster") -}}
{{- fail "service.trafficDistribution is ignored while internalTrafficPolicy is Local; --set service.internalTrafficPolicy=Cluster with it" -}}
{{- end -}}
{{- end -}}

{{/* The configuration file. The address differs: a sidecar listens on loopback. */}}
{{- define "xray-daemon.config" -}}
{{- $host := ternary "127.0.0.1" "0.0.0.0" (eq .Values.mode "sidecar") -}}
Version: 2
Socket:
  UDPAddress: {{ printf "%s:2000" $host | quote }}
  TCPAddress: {{ printf "%s:2000" $host | quote }}
{{- with .Values.region }}
Region: {{ . | quote }}
{{- end }}
{{- if eq .Values.mode "console" }}
LocalMode: true
{{- end }}
{{- with .Values.config.totalBufferSizeMB }}
TotalBufferSizeMB: {{ int . }}
{{- end }}
{{- with .Values.config.concurrency }}
Concurrency: {{ int . }}
{{- end }}
{{- with .Values.config.endpoint }}
Endpoint: {{ . | quote }}
{{- end }}
{{- with .Values.config.roleARN }}
RoleARN: {{ . | quote }}
{{- end }}
Logging:
  LogLevel: {{ .Values.config.logLevel | quote }}
Extensions:
  Backend: {{ ternary "local" .Values.backend (eq .Values.mode "console") | quote }}
  Admin: "0.0.0.0:2001"
  DrainLinger: {{ .Values.config.drainLinger | quote }}
  DrainTimeout: {{ .Values.config.drainTimeout | quote }}
  LogFormat: {{ .Values.config.logFormat | quote }}
{{- if .Values.config.readyRequiresCredentials }}
  ReadyRequiresCredentials: true
{{- end }}
{{- if eq .Values.mode "console" }}
{{- if or .Values.console.token .Values.console.existingSecret }}
  Console: "0.0.0.0:2002"
{{- end }}
{{- with .Values.console.allowHosts }}
  AllowHost: {{ join "," . | quote }}
{{- end }}
  DataDir: /var/lib/xray
  Retention: {{ .Values.console.retention | quote }}
  MaxStoreMB: {{ int .Values.console.maxStoreMb }}
{{- end }}
{{- with .Values.config.extensions }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}

{{- define "xray-daemon.args" -}}
{{- $host := ternary "127.0.0.1" "0.0.0.0" (eq .Values.mode "sidecar") -}}
- --config
- /etc/xray/config.yaml
{{- if .Values.otlp.enabled }}
- --otlp-grpc={{ $host }}:4317
- --otlp-http={{ $host }}:4318
{{- end }}
{{- with .Values.otlp.endpoint }}
- --otlp-endpoint={{ . }}
{{- end }}
{{- if .Values.spool.enabled }}
- --spool=/var/spool/xray
- --spool-max-mb={{ int .Values.spool.maxMb }}
- --spool-max-age={{ .Values.spool.maxAge }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "xray-daemon.ports" -}}
- {name: xray-ingest, containerPort: 2000, protocol: UDP}
- {name: xray-tcp, containerPort: 2000, protocol: TCP}
- {name: admin, containerPort: 2001, protocol: TCP}
{{- if .Values.otlp.enabled }}
- {name: otlp-grpc, containerPort: 4317, protocol: TCP}
- {name: otlp-http, containerPort: 4318, protocol: TCP}
{{- end }}
{{- end -}}

{{- define "xray-daemon.probes" -}}
startupProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 1
  failureThreshold: 30
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 10
livenessProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 20
  failureThreshold: 3
{{- end -}}

{{- define "xray-daemon.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "xray-daemon.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65532
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* The same for the pods of DaemonSet and console. */}}
{{- define "xray-daemon.podAnnotations" -}}
checksum/config: {{ include "xray-daemon.config" . | sha256sum }}
{{- if .Values.metrics.annotations }}
prometheus.io/scrape: "true"
prometheus.io/port: "2001"
prometheus.io/path: /metrics
{{- end }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
