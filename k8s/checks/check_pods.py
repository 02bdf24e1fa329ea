"""Pods: the "restricted" Pod Security Standard, nothing of the host, pinned images, bounds, probes."""

import re

from charts import containers, everything, only, pods, rendered
from lib import check, equal, main

# Volume types that "restricted" allows.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
# The one case that asks for a folder of the node, and says what it costs.
ON_THE_NODE = "spool on the node"


def faults(pod):
    """What the controls of "restricted" (Kubernetes 1.37, "Pod Security Standards") find in a pod."""
    own = pod.get("securityContext", {})
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield field
    if own.get("sysctls"):
        yield "sysctls"
    for volume in pod.get("volumes", []):
        for kind in set(volume) - {"name"} - VOLUMES:
            yield f"volume {volume['name']}: {kind}"
    for container in containers(pod) + pod.get("ephemeralContainers", []):
        name, context = container["name"], container.get("securityContext", {})
        if context.get("privileged"):
            yield f"{name}: privileged"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: allowPrivilegeEscalation"
        if context.get("runAsNonRoot", own.get("runAsNonRoot")) is not True:
            yield f"{name}: runAsNonRoot"
        if context.get("runAsUser", own.get("runAsUser")) == 0:
            yield f"{name}: runAsUser"
        capabilities = context.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []):
            yield f"{name}: capabilities.drop"
        if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
            yield f"{name}: capabilities.add"
        profile = context.get("seccompProfile", own.get("seccompProfile", {}))
        if profile.get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{name}: seccompProfile"
        if context.get("procMount", "Default") != "Default":
            yield f"{name}: procMount"
        for port in container.get("ports", []):
            if port.get("hostPort"):
                yield f"{name}: hostPort {port['hostPort']}"


@check
def the_controls_find_what_is_forbidden():
    good = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "a", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}],
    }
    equal(list(faults(good)), [], "a good pod")
    bare = {"hostNetwork": True, "volumes": [{"name": "v", "hostPath": {}}], "containers": [{"name": "a", "ports": [{"hostPort": 2000}]}]}
    equal(
        list(faults(bare)),
        [
            "hostNetwork", "volume v: hostPath", "a: allowPrivilegeEscalation", "a: runAsNonRoot",
            "a: capabilities.drop", "a: seccompProfile", "a: hostPort 2000",
        ],
        "a bare pod",
    )
    late = {**good, "initContainers": [{"name": "b", "securityContext": {"privileged": True, "runAsUser": 0, "procMount": "Unmasked"}}]}
    found = list(faults(late))
    assert {"b: privileged", "b: runAsUser", "b: procMount"} <= set(found), found


@check
def every_pod_is_restricted():
    seen = 0
    for chart, case, found, pod in pods():
        expected = ["volume spool: hostPath"] if case == ON_THE_NODE and found["kind"] == "DaemonSet" else []
        equal(list(faults(pod)), expected, f"{chart}, {case}, {found['kind']} {found['metadata']['name']}")
        seen += 1
    assert seen > 40, f"only {seen} pods were looked at"


@check
def root_file_systems_are_read_only_and_tokens_stay_away():
    for chart, case, found, pod in pods():
        where = f"{chart}, {case}, {found['metadata']['name']}"
        for container in containers(pod):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, where
        if found["kind"] != "ConfigMap":
            assert pod["automountServiceAccountToken"] is False, where


@check
def every_image_is_pinned():
    for chart, case, found, pod in pods():
        for container in containers(pod):
            image = container["image"]
            pinned = re.fullmatch(r"[^\s:@]+(:[0-9]+)?/[^\s:@]+(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})", image)
            assert pinned, f"{chart}, {case}: {image}"


@check
def memory_is_bounded_and_processors_are_not():
    for chart, case, found, pod in pods():
        for container in containers(pod):
            resources, where = container["resources"], f"{chart}, {case}, {container['name']}"
            assert {"cpu", "memory"} <= set(resources["requests"]), where
            equal(list(resources["limits"]), ["memory"], where)


@check
def volumes_and_mounts_belong_together():
    for chart, case, found, pod in pods():
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        mounts = {mount["name"] for container in containers(pod) for mount in container.get("volumeMounts", [])}
        equal(mounts, volumes, f"{chart}, {case}, {found['metadata']['name']}")


@check
def probes_ask_ports_that_are_declared():
    for chart, case, found, pod in pods():
        for container in containers(pod):
            names = [port["name"] for port in container.get("ports", [])]
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                if kind in container:
                    assert container[kind]["httpGet"]["port"] in names, f"{chart}, {case}, {kind}"
    daemon = only(rendered("helm4", "xray-daemon", "default"), "DaemonSet")["spec"]["template"]["spec"]
    ready, alive = (daemon["containers"][0][f"{kind}Probe"]["httpGet"]["path"] for kind in ("readiness", "liveness"))
    equal((ready, alive), ("/readyz", "/healthz"), "the daemon's probes")


@check
def the_time_to_drain_fits_into_the_grace_period():
    for chart, case, found, pod in pods():
        if chart == "xray-daemon" and found["kind"] in ("DaemonSet", "Deployment"):
            # Linger 3 s, drain 20 s, and some for the process itself.
            assert pod["terminationGracePeriodSeconds"] >= 25, case


@check
def labels_of_templates_match_their_selectors():
    for chart, case, objects in everything():
        for found in objects:
            if found["kind"] in ("DaemonSet", "Deployment"):
                wanted = found["spec"]["selector"]["matchLabels"]
                labels = found["spec"]["template"]["metadata"]["labels"]
                assert wanted.items() <= labels.items(), f"{chart}, {case}, {found['metadata']['name']}"


if __name__ == "__main__":
    main()
