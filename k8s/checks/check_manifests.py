"""Plain manifests: equal to what the charts render, whole under kustomize, restricted namespaces."""

import filecmp
import os
import pathlib
import tempfile

import kubernetes_validate
import yaml

from charts import HELMS, VERSIONS, containers, helm, only, pod_of
from check_pods import faults
from lib import K8S, check, equal, main, run, tool

MANIFESTS = K8S / "manifests"
RENDERED = ["xray-daemon/xray-daemon.yaml", "console/xray-daemon.yaml", "workshop/workshop.yaml"]


def kustomized(folder):
    """The objects that `kubectl apply -k` would send."""
    kubectl = tool("helm4/bin/kubectl", "k8s/check tools fetches it")
    text = run(kubectl, "kustomize", MANIFESTS / folder).stdout
    return list(yaml.safe_load_all(text))


@check
def manifests_are_what_the_charts_render():
    for which in HELMS:
        with tempfile.TemporaryDirectory() as folder:
            run(MANIFESTS / "render", folder, env={**os.environ, "HELM": str(helm(which))})
            for name in RENDERED:
                new = list(yaml.safe_load_all((pathlib.Path(folder) / name).read_text()))
                kept = list(yaml.safe_load_all((MANIFESTS / name).read_text()))
                key = lambda o: (o["kind"], o["metadata"]["name"])
                equal(sorted(kept, key=key), sorted(new, key=key), f"{name} by {which}; run k8s/manifests/render")
                if which == "helm4":
                    same = filecmp.cmp(MANIFESTS / name, pathlib.Path(folder) / name, shallow=False)
                    assert same, f"{name}: text differs; run k8s/manifests/render"


@check
def every_folder_is_whole_under_kustomize():
    for folder in ("xray-daemon", "console", "workshop", "eks", "kind"):
        for found in kustomized(folder):
            for version in VERSIONS:
                kubernetes_validate.validate(found, version, strict=True)


@check
def on_eks_images_come_from_the_registry_that_is_named():
    images = {c["image"] for o in kustomized("eks") if pod_of(o) for c in containers(pod_of(o))}
    registry = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
    equal(images, {f"{registry}/xray-daemon:0.1.0", f"{registry}/demo-app:0.1.0"}, "images")


@check
def on_kind_images_are_local_and_the_shop_links_to_the_console():
    objects = kustomized("kind")
    images = {c["image"] for o in objects if pod_of(o) for c in containers(pod_of(o))}
    equal(images, {"localhost/xray-daemon:0.1.0", "localhost/demo-app:0.1.0"}, "images")
    env = pod_of(only(objects, "Deployment", "frontend"))["containers"][0]["env"]
    assert {"name": "CONSOLE_URL", "value": "http://127.0.0.1:2002"} in env, env
    assert "DaemonSet" not in {o["kind"] for o in objects}


@check
def namespaces_enforce_what_pods_keep():
    for folder in ("eks", "kind"):
        objects = kustomized(folder)
        enforced = {
            o["metadata"]["name"]: o["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
            for o in objects if o["kind"] == "Namespace"
        }
        equal(enforced, {"xray": "restricted", "workshop": "restricted"}, folder)
        for found in objects:
            if pod_of(found):
                assert found["metadata"]["namespace"] in enforced
                equal(list(faults(pod_of(found))), [], f"{folder}, {found['metadata']['name']}")


if __name__ == "__main__":
    main()
