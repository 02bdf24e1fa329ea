"""Real processes: what the charts configure starts, what `helm test` runs succeeds, Prometheus scrapes all of it."""

import contextlib
import json
import pathlib
import re
import socket
import tempfile
import time

import yaml

import fake_amp
from charts import only, pod_of, rendered
from lib import K8S, Skip, check, equal, main, run, slow, tool
from metrics import OTHERS, exists, ours
from programs import clean, free_port, get, program, running, wait_for

DOCUMENT = {"name": "orders", "id": "70de5b6f19ff9a0a", "trace_id": "1-581cf771-a006649127e371903a2de979", "start_time": 1478293361.2, "end_time": 1478293361.4}


def config_of(case):
    """The configuration file of a case of the daemon's chart, on ports of its own."""
    text = only(rendered("helm4", "xray-daemon", case), "ConfigMap", "xray-daemon")["data"]["config.yaml"]
    return on_free_ports(text)


def on_free_ports(text):
    """The file with other ports, and those ports by what they were."""
    ports = {port: free_port() for port in (2000, 2001, 2002)}
    moved = re.sub(r'"(?:0\.0\.0\.0|127\.0\.0\.1):(\d+)"', lambda found: f'"127.0.0.1:{ports[int(found[1])]}"', text)
    return moved, ports


@contextlib.contextmanager
def daemon(text, *more, env=None):
    """The daemon with that configuration file; ready when the block begins."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "config.yaml"
        path.write_text(text.replace("/var/lib/xray", f"{folder}/store"))
        with running(program("xray-daemon"), "--config", path, *more, env={"AWS_REGION": "us-east-1", **(env or {})}) as process:
            yield process


def send(port, count=1):
    """Segments by UDP."""
    header = b'{"format": "json", "version": 1}\n'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for _ in range(count):
            out.sendto(header + json.dumps(DOCUMENT).encode(), ("127.0.0.1", port))


@check
@slow
def configuration_files_of_the_chart_are_accepted():
    checked = 0
    for case in ("default", "otlp", "everything said", "sidecar", "console", "console for others"):
        name = "tracing" if case == "everything said" else "xray-daemon"
        text = only(rendered("helm4", "xray-daemon", case), "ConfigMap", name)["data"]["config.yaml"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            env = {**clean(), "AWS_REGION": "us-east-1", "XRAY_CONSOLE_TOKEN": "said"}
            run(program("xray-daemon"), "--config", file.name, "--check-config", env=env)
        checked += 1
    equal(checked, 6, "files")


@check
@slow
def arguments_of_the_chart_are_accepted():
    for case in ("otlp", "otlp out", "spool", "sidecar with all"):
        objects = rendered("helm4", "xray-daemon", case)
        found = [o for o in objects if o["kind"] == "DaemonSet"]
        if found:
            args = pod_of(found[0])["containers"][0]["args"]
        else:
            patch = yaml.safe_load(only(objects, "ConfigMap", "xray-daemon-patch")["data"]["patch.yaml"])
            args = patch["spec"]["template"]["spec"]["initContainers"][0]["args"]
        text = only(objects, "ConfigMap", "xray-daemon")["data"]["config.yaml"]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "config.yaml"
            path.write_text(text)
            args = [arg.replace("/etc/xray/config.yaml", str(path)).replace("/var/spool/xray", folder) for arg in args]
            run(program("xray-daemon"), *args, "--check-config", env={**clean(), "AWS_REGION": "us-east-1"})


@check
@slow
def probes_and_the_command_of_helm_test_succeed_with_a_real_daemon():
    text, ports = config_of("console")
    objects = rendered("helm4", "xray-daemon", "default")
    container = pod_of(only(objects, "DaemonSet"))["containers"][0]
    with daemon(text) as process:
        base = f"http://127.0.0.1:{ports[2001]}"
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = container[kind]["httpGet"]["path"]
            wait_for(f"{kind} {path}", lambda: get(base + path)[0] == 200, process=process)
        args = pod_of(only(objects, "Pod"))["containers"][0]["args"]
        args = [arg.replace("http://xray-daemon-metrics.xray:2001", base) for arg in args]
        run(program("xray-daemon"), *args, env=clean())
        # And it fails where nobody listens.
        args = [arg.replace(base, f"http://127.0.0.1:{free_port()}") for arg in args]
        assert run(program("xray-daemon"), *args, ok=False, env=clean()).returncode == 1, "a daemon that is not there is well"


@check
@slow
def the_workshops_own_manifest_works_by_its_image_alone():
    objects = list(yaml.safe_load_all((K8S / "checks/fixtures/xray-eks.yaml").read_text()))
    container = pod_of(only(objects, "DaemonSet"))["containers"][0]
    equal(container["command"], ["/usr/bin/xray", "-c", "/aws/xray/config.yaml"], "command")
    text, ports = on_free_ports(only(objects, "ConfigMap")["data"]["config.yaml"])
    admin = free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "config.yaml"
        path.write_text(text)
        with running(program("xray-daemon"), "-c", path, env={"AWS_REGION": "us-east-1", "XRAY_ADMIN": f"127.0.0.1:{admin}", "XRAY_DRAIN_TIMEOUT": "1s"}) as process:
            page = f"http://127.0.0.1:{admin}/metrics"
            wait_for("an answer of /metrics", lambda: get(page)[0] == 200, process=process)
            send(ports[2000], 3)
            wait_for("three segments received", lambda: "xray_daemon_segments_received_total 3" in get(page)[1], process=process)
            # TotalBufferSizeMB: 24.
            limit = re.search(r"^xray_daemon_buffer_limit_bytes (\d+)", get(page)[1], re.M)
            equal(int(limit[1]) // 2**20, 24, "megabytes of buffer")


@contextlib.contextmanager
def workshop(daemon_port):
    """The three services by the arguments and variables of the chart, on ports of their own."""
    objects = rendered("helm4", "workshop", "default")
    ports = {name: free_port() for name in ("frontend", "prodcatalog", "proddetail")}
    with contextlib.ExitStack() as stack:
        for name, port in ports.items():
            container = pod_of(only(objects, "Deployment", name))["containers"][0]
            args = [re.sub(r"0\.0\.0\.0:\d+", f"127.0.0.1:{port}", arg) for arg in container["args"]]
            env = {found["name"]: found["value"] for found in container["env"]}
            for other, at in ports.items():
                env = {key: re.sub(rf"{other}\.workshop(:\d+)?", f"127.0.0.1:{at}", value) for key, value in env.items()}
            env["AWS_XRAY_DAEMON_ADDRESS"] = f"127.0.0.1:{daemon_port}"
            process = stack.enter_context(running(program("demo-app"), *args, env=env))
            probe = container["readinessProbe"]["httpGet"]["path"]
            wait_for(f"{name} {probe}", lambda: get(f"http://127.0.0.1:{port}{probe}")[0] == 200, process=process)
        yield objects, ports


def scrape_config(folder, amp, targets):
    """Prometheus' file: our targets, our rules, remote write as Terraform's output for the chart has it."""
    text = (K8S / "terraform/20-observability/outputs.tf").read_text()
    queue = re.search(r"max_samples_per_send = (\d+), max_shards = (\d+), capacity = (\d+)", text).groups()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "external_labels": {"cluster": "eks-cluster-with-vpc"}},
        "rule_files": [str(K8S / "alerts/xray-daemon.rules.yaml")],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"node": "n1"}}]} for name, port in targets.items()
        ],
        "remote_write": [{
            "url": f"http://127.0.0.1:{amp.server_port}/workspaces/ws-0123/api/v1/remote_write",
            "sigv4": {"region": fake_amp.REGION},
            "queue_config": dict(zip(("max_samples_per_send", "max_shards", "capacity"), map(int, queue))),
        }],
    }
    path = pathlib.Path(folder) / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@check
@slow
def prometheus_scrapes_daemon_and_demo_and_writes_to_amp_signed():
    server = tool("prometheus/usr/bin/prometheus", "k8s/check tools fetches it")
    text, ports = config_of("console")
    amp = fake_amp.serve()
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(daemon(text))
        admin = f"http://127.0.0.1:{ports[2001]}"
        wait_for("a ready daemon", lambda: get(f"{admin}/readyz")[0] == 200, process=process)
        objects, services = stack.enter_context(workshop(ports[2000]))
        # The command of the workshop's `helm test`, against the real shop.
        args = pod_of(only(objects, "Pod"))["containers"][0]["args"]
        args = [arg.replace("http://frontend.workshop", f"http://127.0.0.1:{services['frontend']}") for arg in args]
        said = run(program("demo-app"), *args, env=clean())
        assert re.search(r"20 visits: [1-9]\d* answers fine, 0 refused \(4xx\), 0 failed \(5xx\), 0 without", said.stdout + said.stderr), said.stdout + said.stderr
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        targets = {"xray-daemon": ports[2001], **services}
        path = scrape_config(folder, amp, targets)
        run(tool("prometheus/usr/bin/promtool", "k8s/check tools fetches it"), "check", "config", path)
        listen = free_port()
        keys = {"AWS_ACCESS_KEY_ID": fake_amp.KEY, "AWS_SECRET_ACCESS_KEY": fake_amp.SECRET}
        prometheus = stack.enter_context(running(
            server, f"--config.file={path}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{listen}", env=keys,
        ))
        api = f"http://127.0.0.1:{listen}/api/v1"
        up = lambda: sum(t["health"] == "up" for t in answered(f"{api}/targets").get("activeTargets", [])) == len(targets)
        wait_for("all targets up", up, 90, prometheus)
        send(ports[2000], 5)
        for query in ("sum(xray_daemon_segments_received_total) >= 5", 'sum(http_requests_total{service="Frontend"}) > 0', "xray_daemon_build_info"):
            wait_for(query, lambda: value(api, query), 60, prometheus)
        rules = [rule for group in wait_for("rules", lambda: answered(f"{api}/rules").get("groups"), process=prometheus) for rule in group["rules"]]
        wait_for("rules evaluated", lambda: all(r["health"] == "ok" for g in answered(f"{api}/rules")["groups"] for r in g["rules"]), 60, prometheus)
        equal(len(rules), 9, "rules")
        # One is pending until the first scrape.
        quiet = lambda: {r["state"] for g in answered(f"{api}/rules")["groups"] for r in g["rules"]} == {"inactive"}
        wait_for("no alert of a daemon that is well", quiet, 60, prometheus)
        # What is there and not foreseen would be a panel that nobody made, or a name that somebody mistyped.
        exported = {line.split()[2] for url in (f"{admin}/metrics", f"http://127.0.0.1:{services['frontend']}/metrics") for line in get(url)[1].splitlines() if line.startswith("# TYPE ")}
        equal(sorted(name for name in exported if not exists(name)), [], "metrics that the code does not spell")
        used_by_dashboards(exported)
        wait_for("remote write", lambda: sum(call[0] is None for call in amp.calls) >= 2, 60, prometheus)
        equal({call[:3] for call in amp.calls}, {(None, "snappy", "0.1.0")}, "what came to AMP")
        written = wait_for("our metrics in AMP", lambda: b"xray_daemon_segments_received_total" in b"".join(fake_amp.unpacked(call[3]) for call in list(amp.calls)), 60, prometheus)
        assert written
    amp.shutdown()


def used_by_dashboards(exported):
    """Every metric of ours that a dashboard or rule reads is exported by a process that runs."""
    texts = [path.read_text() for path in (K8S / "dashboards").glob("*.json")] + [(K8S / "alerts/xray-daemon.rules.yaml").read_text()]
    used = set(re.findall(r"\b(?:xray_daemon|http|process)_[a-z_]+\b", "\n".join(texts))) - {"http_requests"}
    base = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in exported else name for name in used}
    equal(sorted(base - exported - OTHERS), [], "metrics that are read and not exported")


def answered(url):
    """What Prometheus' API says."""
    status, text = get(url)
    return json.loads(text)["data"] if status == 200 else {}


def value(api, query):
    """Whether a query has an answer."""
    from urllib.parse import quote

    return answered(f"{api}/query?query={quote(query)}").get("result")


@check
@slow
def the_stand_in_refuses_what_is_not_signed_right():
    headers = {"Host": "127.0.0.1:1", "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())}
    equal(fake_amp.verified("POST", "http://127.0.0.1:1/", headers, b""), "MissingAuthenticationToken", "no signature")
    wrong = f"AWS4-HMAC-SHA256 Credential={fake_amp.KEY}/20261124/us-east-1/aps/aws4_request, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    equal(fake_amp.verified("POST", "http://127.0.0.1:1/", {**headers, "Authorization": wrong}, b""), "SignatureDoesNotMatch", "a wrong one")


if __name__ == "__main__":
    main()
