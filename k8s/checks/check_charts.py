"""Charts: lint, the same result from Helm 3 and Helm 4, Kubernetes' schemas, what is refused and how."""

import json
import pathlib
import shutil
import tempfile

import kubernetes_validate
import yaml

from charts import CASES, HELMS, IMAGE, K8S, NAMESPACES, VERSIONS, everything, helm, only, patched, pod_of, rendered, template
from lib import check, equal, main, run

# Not of Kubernetes itself, so without a schema there.
FOREIGN = {"ServiceMonitor"}


@check
def helm_lint_is_strict_and_silent():
    for which in HELMS:
        for chart in NAMESPACES:
            said = run(helm(which), "lint", "--strict", K8S / "charts" / chart, *IMAGE).stdout
            assert "0 chart(s) failed" in said and "WARNING" not in said, said


@check
def both_helms_render_the_same():
    for chart, case, _ in CASES:
        key = lambda o: (o["kind"], o["metadata"]["name"])
        old, new = (sorted(rendered(which, chart, case), key=key) for which in HELMS)
        equal(old, new, f"{chart}, {case}")


@check
def every_object_fits_the_schema_of_every_supported_version():
    seen = set()
    for chart, case, objects in everything():
        for found in objects:
            text = json.dumps(found, sort_keys=True)
            if found["kind"] in FOREIGN or text in seen:
                continue
            seen.add(text)
            for version in VERSIONS:
                try:
                    kubernetes_validate.validate(found, version, strict=True)
                except kubernetes_validate.ValidationError as wrong:
                    raise AssertionError(f"{chart}, {case}, {found['kind']} on {version}: {wrong.message}")


@check
def an_application_with_the_sidecar_fits_the_schema():
    for case in ("sidecar", "sidecar with all"):
        patch = only(rendered("helm4", "xray-daemon", case), "ConfigMap", "xray-daemon-patch")["data"]["patch.yaml"]
        deployment = patched(patch)
        for version in VERSIONS:
            kubernetes_validate.validate(deployment, version, strict=True)
        pod = pod_of(deployment)
        equal([c["name"] for c in pod["containers"]], ["orders"], "the application's containers")
        equal(pod["initContainers"][0]["restartPolicy"], "Always", "the sidecar's restartPolicy")
        assert {"cache", "xray-config"} <= {v["name"] for v in pod["volumes"]}, pod["volumes"]


@check
def what_does_not_go_together_is_refused_with_what_helps():
    daemon, shop = "xray-daemon", "workshop"
    for chart, values, said in [
        (daemon, {"backend": "local"}, "mode=console"),
        (daemon, {"backend": "both"}, "mode=console"),
        (daemon, {"backend": "aws,local"}, "mode=console"),
        (daemon, {"backend": "jaeger"}, "aws, otlp, or aws,otlp"),
        (daemon, {"backend": "otlp"}, "otlp.endpoint="),
        (daemon, {"otlp": {"endpoint": "http://c:4318"}}, "backend=otlp"),
        (daemon, {"service": {"trafficDistribution": "PreferSameNode"}}, "internalTrafficPolicy=Cluster"),
        (daemon, {"mode": "deployment"}, "mode"),
        (daemon, {"image": {"tag": "latest"}}, "tag"),
        (daemon, {"image": {"digest": "sha256:1"}}, "digest"),
        (daemon, {"config": {"totalBufferSizeMB": 2}}, "totalBufferSizeMB"),
        (daemon, {"servce": {}}, "servce"),
        (daemon, {"serviceAccount": {"annotations": {"eks.amazonaws.com.proxy.example/role-arn": "x"}}}, "role-arn"),
        (daemon, {"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "x-ray-daemon-role"}}}, "role-arn"),
        (shop, {"prodcatalog": {"replicas": 2}}, "existingSecret"),
        (shop, {"frontend": {"exposure": "nlb"}}, "sourceRanges"),
        (shop, {"frontend": {"exposure": "alb"}}, "exposure"),
        (shop, {"load": {"rate": 0}}, "rate"),
        (shop, {"xray": {"daemonAddress": "xray-service.xray"}}, "daemonAddress"),
    ]:
        for which in HELMS:
            ended = template(which, chart, values, ok=False)
            assert ended.returncode != 0, f"{which} takes {values}"
            assert said in ended.stderr, f"{which}, {values}: {said!r} is not in\n{ended.stderr}"


@check
def versions_of_kubernetes_are_taken_or_refused():
    for which in HELMS:
        for chart in NAMESPACES:
            for version in VERSIONS:
                template(which, chart, {}, "--kube-version", f"{version}.0")
            old = template(which, chart, {}, "--kube-version", "1.25.0", ok=False)
            assert old.returncode != 0 and ">=1.26" in old.stderr, old.stderr
        # As EKS writes its versions.
        template(which, "xray-daemon", {"mode": "sidecar"}, "--kube-version", "v1.36.3-eks-1a2b3c4")
        old = template(which, "xray-daemon", {"mode": "sidecar"}, "--kube-version", "1.28.9", ok=False)
        assert old.returncode != 0 and "needs Kubernetes 1.29" in old.stderr, old.stderr


@check
def without_a_repository_the_error_says_what_to_set():
    for which in HELMS:
        for chart in NAMESPACES:
            ended = template(which, chart, {}, ok=False, image=[])
            assert ended.returncode != 0, f"{chart} has a false default"
            assert "--set image.repository=" in ended.stderr, ended.stderr


@check
def charts_are_packed_without_rest():
    for which in HELMS:
        for chart in NAMESPACES:
            with tempfile.TemporaryDirectory() as folder:
                run(helm(which), "package", K8S / "charts" / chart, "--destination", folder)
                (packed,) = pathlib.Path(folder).iterdir()
                listed = run("tar", "-tzf", packed).stdout.split()
            assert f"{chart}/values.schema.json" in listed, listed
            assert not [name for name in listed if name.endswith((".orig", ".tgz"))], listed


@check
def notes_tell_how_to_point_an_application_at_the_daemon():
    for case, values, said in [
        ("daemonset", {}, "AWS_XRAY_DAEMON_ADDRESS=xray-service.xray:2000"),
        ("console", {"mode": "console"}, "port-forward -n xray deployment/xray-daemon 2002:2002"),
        ("sidecar", {"mode": "sidecar"}, "AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:2000"),
        ("daemonset", {}, "aws eks list-pod-identity-associations"),
        ("otlp", {"otlp": {"enabled": True}}, "OTEL_EXPORTER_OTLP_ENDPOINT=http://xray-service.xray:4318"),
    ]:
        notes = notes_of("xray-daemon", values)
        assert said in notes, f"{case}: {said!r} is not in\n{notes}"


def notes_of(chart, values):
    """The notes. Helm shows them only to a cluster, so a copy of the chart renders them as an object."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / chart
        shutil.copytree(K8S / "charts" / chart, copy)
        shutil.move(copy / "templates/NOTES.txt", copy / "notes.txt")
        template = '{"kind": "Notes", "text": {{ tpl (.Files.Get "notes.txt") . | toJson }}}'
        (copy / "templates/notes.yaml").write_text(template)
        text = run(
            helm("helm4"), "template", chart, copy, "--namespace", NAMESPACES[chart], *IMAGE,
            "--show-only", "templates/notes.yaml", "--values", "-", input=json.dumps(values),
        ).stdout
    return yaml.safe_load(text)["text"]


if __name__ == "__main__":
    main()
