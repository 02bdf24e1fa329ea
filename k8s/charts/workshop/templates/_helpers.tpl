{{- define "workshop.image" -}}
{{- $repository := required "image.repository is empty and there is no public image; build and push one (k8s/README.md, step 3), then --set image.repository=ACCOUNT.dkr.ecr.REGION.amazonaws.com/demo-app" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Takes (list root name). */}}
{{- define "workshop.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- end -}}

{{- define "workshop.labels" -}}
{{- $root := index . 0 -}}
{{ include "workshop.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: workshop
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}

{{- define "workshop.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65532
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "workshop.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* What does not go together, said before anything is rendered. */}}
{{- define "workshop.check" -}}
{{- if and (gt (int .Values.prodcatalog.replicas) 1) (not .Values.prodcatalog.database.existingSecret) -}}
{{- fail (printf "prodcatalog.replicas=%d would each keep other products; one replica, or --set prodcatalog.database.existingSecret=NAME with a PostgreSQL URL under the key url" (int .Values.prodcatalog.replicas)) -}}
{{- end -}}
{{- if and (eq .Values.frontend.exposure "nlb") (not .Values.frontend.nlb.sourceRanges) -}}
{{- fail "the shop has no login: --set 'frontend.nlb.sourceRanges={203.0.113.7/32}' with your own address, or {0.0.0.0/0} for everybody" -}}
{{- end -}}
{{- end -}}

{{/*
One service's Deployment and disruption budget. Takes a dict: root, name, port, command (list), ping
(path), env (list), replicas, resources, writes (bool: has a /tmp).
*/}}
{{- define "workshop.deployment" -}}
{{- $root := .root -}}
{{- $who := list $root .name -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "workshop.labels" $who | nindent 4 }}
spec:
  replicas: {{ int .replicas }}
  revisionHistoryLimit: 3
  {{- if .writes }}
  # Products are in the pod: two at once would disagree.
  strategy: {type: Recreate}
  {{- else }}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  {{- end }}
  selector:
    matchLabels:
      {{- include "workshop.selectorLabels" $who | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "workshop.labels" $who | nindent 8 }}
      annotations:
        {{- if and .port $root.Values.metricsAnnotations }}
        prometheus.io/scrape: "true"
        prometheus.io/port: {{ .port | quote }}
        prometheus.io/path: /metrics
        {{- end }}
        {{- with $root.Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ $root.Release.Name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      terminationGracePeriodSeconds: 30
      nodeSelector:
        kubernetes.io/os: linux
        {{- with $root.Values.nodeSelector }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "workshop.selectorLabels" $who | nindent 14 }}
        {{- end }}
      securityContext:
        {{- include "workshop.podSecurity" $root | nindent 8 }}
      containers:
        - name: {{ .name }}
          image: {{ include "workshop.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: {{ toJson .command }}
          env:
            - {name: RUST_LOG, value: {{ $root.Values.logLevel | quote }}}
            {{- if .port }}
            - {name: AWS_XRAY_DAEMON_ADDRESS, value: {{ $root.Values.xray.daemonAddress | quote }}}
            {{- if $root.Values.xray.traceHealth }}
            - {name: XRAY_TRACE_HEALTH, value: "true"}
            {{- end }}
            {{- end }}
            {{- range .env }}
            - {{ toJson . }}
            {{- end }}
          {{- if .port }}
          ports:
            - {name: http, containerPort: {{ int .port }}, protocol: TCP}
          startupProbe:
            httpGet: {path: {{ .ping }}, port: http}
            periodSeconds: 1
            failureThreshold: 30
          readinessProbe:
            httpGet: {path: {{ .ping }}, port: http}
            periodSeconds: 5
          livenessProbe:
            httpGet: {path: {{ .ping }}, port: http}
            periodSeconds: 20
            failureThreshold: 3
          {{- end }}
          resources:
            {{- toYaml .resources | nindent 12 }}
          securityContext:
            {{- include "workshop.containerSecurity" $root | nindent 12 }}
          {{- if .writes }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
          {{- end }}
      {{- if .writes }}
      volumes:
        # The products, and gone with the pod.
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
      {{- end }}
{{- if and $root.Values.podDisruptionBudget (gt (int .replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "workshop.labels" $who | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "workshop.selectorLabels" $who | nindent 6 }}
{{- end }}
{{- end -}}

{{/* A Service inside the cluster. Takes a dict: root, name, port. */}}
{{- define "workshop.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "workshop.labels" (list .root .name) | nindent 4 }}
spec:
  type: ClusterIP
  selector:
    {{- include "workshop.selectorLabels" (list .root .name) | nindent 4 }}
  ports:
    - {name: http, port: {{ int .port }}, targetPort: http, protocol: TCP, appProtocol: http}
{{- end -}}
