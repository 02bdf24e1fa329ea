"""Which metrics there are: our own, read out of the code, and those of the cluster's exporters."""

import functools
import re

import promql_parser

from lib import ROOT

# kube-state-metrics 2, cAdvisor of the kubelet, node-exporter 1: those that dashboards and alerts use.
OTHERS = {
    "container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_periods_total", "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes", "container_network_receive_bytes_total", "container_network_transmit_bytes_total",
    "kube_daemonset_status_desired_number_scheduled", "kube_daemonset_status_number_ready",
    "kube_deployment_spec_replicas", "kube_deployment_status_replicas_available",
    "kube_namespace_status_phase", "kube_node_info", "kube_node_status_allocatable", "kube_node_status_condition",
    "kube_pod_container_resource_limits", "kube_pod_container_resource_requests",
    "kube_pod_container_status_last_terminated_reason", "kube_pod_container_status_ready",
    "kube_pod_container_status_restarts_total", "kube_pod_info", "kube_pod_start_time", "kube_pod_status_phase",
    "node_boot_time_seconds", "node_cpu_seconds_total", "node_disk_read_bytes_total", "node_disk_written_bytes_total",
    "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_load5", "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes", "node_netstat_Udp_InDatagrams", "node_netstat_Udp_InErrors",
    "node_network_receive_bytes_total", "node_network_transmit_bytes_total", "up",
}
HISTOGRAM = ("_bucket", "_sum", "_count")


def code_of(path):
    """The code above its tests."""
    return (ROOT / path).read_text().split("#[cfg(test)]")[0]


@functools.cache
def ours():
    """Names that daemon and demo export, as their code spells them."""
    pages = sorted((ROOT / "xray-daemon/src/admin").rglob("*.rs"))
    spelt = {name for page in pages for name in re.findall(r'"([a-z][a-z_]+)"', code_of(page.relative_to(ROOT)))}
    daemon = {f"xray_daemon_{name}" for name in spelt}
    demo = set(re.findall(r"# TYPE ([a-z_]+) ", code_of("demo-app/src/service/metrics.rs")))
    return daemon | demo


def exists(name):
    """Whether anything exports the metric."""
    base = next((name[: -len(end)] for end in HISTOGRAM if name.endswith(end)), name)
    return name in ours() | OTHERS or base in ours()


def selectors(expression):
    """Every metric that an expression reads, and the labels by which it chooses or groups."""
    promql_parser.parse(expression)
    names = set(re.findall(r"\b((?:xray_daemon|container|kube|node|http|process)_\w+|up)\b(?=[\[{)\s]|$)", expression))
    labels = set(re.findall(r"[{,]\s*(\w+)\s*(?:=|!=|=~|!~)\"", expression))
    groups = {name.strip() for found in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression) for name in found.split(",")}
    return names - groups - labels, labels | groups
