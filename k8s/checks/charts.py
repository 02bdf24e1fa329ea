"""The charts as checks see them: a matrix of values, rendered by Helm 3 and Helm 4.

Out: objects by case. Owns the matrix. Each result is kept, since many checks read it.
"""

import functools
import json

import yaml

from lib import K8S, run, tool

VERSIONS = ["1.34", "1.35", "1.36", "1.37"]
IMAGE = ["--set", "image.repository=registry.example/team/image"]
HELMS = ["helm3", "helm4"]

# Chart, name of the case, values.
CASES = [
    ("xray-daemon", "default", {}),
    ("xray-daemon", "otlp", {"otlp": {"enabled": True}}),
    ("xray-daemon", "otlp out", {"backend": "aws,otlp", "otlp": {"endpoint": "http://collector.otel:4318"}}),
    ("xray-daemon", "spool", {"spool": {"enabled": True, "maxMb": 1024}}),
    ("xray-daemon", "spool on the node", {"spool": {"enabled": True, "hostPath": "/var/spool/xray"}}),
    (
        "xray-daemon",
        "irsa",
        {"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/x-ray-daemon-role"}}},
    ),
    ("xray-daemon", "service monitor", {"metrics": {"annotations": False, "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}}}),
    ("xray-daemon", "no policy", {"networkPolicy": {"enabled": False}, "priorityClassName": ""}),
    (
        "xray-daemon",
        "narrow policy",
        {
            "networkPolicy": {
                "from": [{"namespaceSelector": {"matchLabels": {"xray-ingest": "true"}}}],
                "metricsFrom": [{"ipBlock": {"cidr": "10.0.0.0/16"}}],
                "egress": [{"ports": [{"port": 4318, "protocol": "TCP"}]}],
            }
        },
    ),
    ("xray-daemon", "same node first", {"service": {"internalTrafficPolicy": "Cluster", "trafficDistribution": "PreferSameNode"}}),
    (
        "xray-daemon",
        "everything said",
        {
            "region": "eu-west-1",
            "image": {"digest": "sha256:" + "0" * 64},
            "imagePullSecrets": [{"name": "pull"}],
            "config": {
                "totalBufferSizeMB": 24,
                "concurrency": 8,
                "logLevel": "debug",
                "logFormat": "text",
                "endpoint": "https://xray.eu-west-1.amazonaws.com",
                "roleARN": "arn:aws:iam::111122223333:role/central",
                "readyRequiresCredentials": True,
                "extensions": {"MaxStoreMB": 512},
            },
            "extraArgs": ["--log-level=info"],
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
            "podAnnotations": {"team": "tracing"},
            "podLabels": {"team": "tracing"},
            "commonLabels": {"env": "test"},
            "nodeSelector": {"kubernetes.io/arch": "arm64"},
            "fullnameOverride": "tracing",
        },
    ),
    ("xray-daemon", "sidecar", {"mode": "sidecar", "region": "eu-west-1"}),
    ("xray-daemon", "sidecar with all", {"mode": "sidecar", "otlp": {"enabled": True}, "spool": {"enabled": True}, "extraEnv": [{"name": "A", "value": "b"}]}),
    ("xray-daemon", "console", {"mode": "console"}),
    (
        "xray-daemon",
        "console for others",
        {
            "mode": "console",
            "otlp": {"enabled": True},
            "spool": {"enabled": True},
            "console": {"token": "said", "allowHosts": ["xray.example"], "persistence": {"enabled": True, "storageClassName": "gp3"}},
        },
    ),
    ("xray-daemon", "console with a secret", {"mode": "console", "console": {"existingSecret": "console"}}),
    ("workshop", "default", {}),
    ("workshop", "nlb", {"frontend": {"exposure": "nlb", "nlb": {"sourceRanges": ["203.0.113.7/32"]}}}),
    (
        "workshop",
        "nlb of the other controller",
        {"frontend": {"exposure": "nlb", "nlb": {"scheme": "internal", "loadBalancerClass": "service.k8s.aws/nlb", "sourceRanges": ["10.0.0.0/8"]}}},
    ),
    ("workshop", "ingress", {"frontend": {"exposure": "ingress", "ingress": {"className": "alb", "host": "shop.example", "tls": [{"hosts": ["shop.example"], "secretName": "tls"}]}}}),
    (
        "workshop",
        "database and canary",
        {
            "prodcatalog": {"replicas": 3, "database": {"existingSecret": "products"}},
            "proddetail": {"canary": {"enabled": True, "replicas": 2}},
            "xray": {"traceHealth": True, "consoleUrl": "http://127.0.0.1:2002", "metricsUrl": "http://xray-daemon-metrics.xray:2001/metrics"},
        },
    ),
    ("workshop", "bare", {"load": {"enabled": False}, "podDisruptionBudget": False, "metricsAnnotations": False}),
]

NAMESPACES = {"xray-daemon": "xray", "workshop": "workshop"}


def helm(which):
    """The Helm of that name."""
    return tool(f"{which}/bin/helm", "k8s/check tools fetches it")


def template(which, chart, values, *more, ok=True, image=IMAGE):
    """Renders a chart; the ended process."""
    return run(
        helm(which), "template", chart, K8S / "charts" / chart, "--namespace", NAMESPACES[chart],
        "--api-versions", "monitoring.coreos.com/v1", *image, "--values", "-", *more,
        ok=ok, input=json.dumps(values),
    )


@functools.cache
def rendered(which, chart, case):
    """The objects of a case of the matrix."""
    values = next(values for name, known, values in CASES if (name, known) == (chart, case))
    text = template(which, chart, values).stdout
    return [found for found in yaml.safe_load_all(text) if found]


def everything():
    """(chart, case, objects) of the whole matrix, by Helm 4."""
    return [(chart, case, rendered("helm4", chart, case)) for chart, case, _ in CASES]


def only(objects, kind, name=None):
    """The one object of a kind."""
    found = [o for o in objects if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects {kind} {name or ''}, not one"
    return found[0]


def pod_of(found):
    """The pod specification within an object, or None."""
    if found["kind"] == "Pod":
        return found["spec"]
    if found["kind"] in ("DaemonSet", "Deployment", "StatefulSet", "Job"):
        return found["spec"]["template"]["spec"]
    return None


def containers(pod):
    """All containers of a pod, those that come first too."""
    return pod.get("initContainers", []) + pod["containers"]


def pods():
    """(chart, case, object, pod) of the whole matrix; sidecars as their patch puts them."""
    for chart, case, objects in everything():
        for found in objects:
            pod = pod_of(found)
            if pod is not None:
                yield chart, case, found, pod
            elif found["kind"] == "ConfigMap" and "patch.yaml" in found["data"]:
                yield chart, case, found, patched(found["data"]["patch.yaml"])["spec"]["template"]["spec"]


@functools.cache
def patched(patch):
    """An application's Deployment after `kubectl patch` with the chart's sidecar."""
    application = (K8S / "checks/fixtures/application.yaml").read_text()
    kubectl = tool("helm4/bin/kubectl", "k8s/check tools fetches it")
    text = run(kubectl, "patch", "--local", "-f", "-", "--patch", patch, "-o", "yaml", input=application).stdout
    return yaml.safe_load(text)
