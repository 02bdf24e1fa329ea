"""Alert rules: promtool's own check and unit tests, a test for each, metrics that exist."""

import tempfile

import yaml

from lib import K8S, check, equal, main, run, tool
from metrics import exists, selectors

RULES = K8S / "alerts/xray-daemon.rules.yaml"
TESTS = K8S / "alerts/xray-daemon.test.yaml"


def rules():
    """Every rule."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def promtool():
    """Prometheus' own tool."""
    return tool("prometheus/usr/bin/promtool", "k8s/check tools fetches it")


@check
def promtool_takes_the_rules():
    said = run(promtool(), "check", "rules", RULES).stdout
    assert f"SUCCESS: {len(rules())} rules found" in said, said


@check
def unit_tests_of_the_rules_pass():
    said = run(promtool(), "test", "rules", TESTS).stdout
    assert "SUCCESS" in said, said


@check
def every_rule_fires_in_a_test_and_is_silent_in_one():
    fires, silent = set(), set()
    for test in yaml.safe_load(TESTS.read_text())["tests"]:
        for case in test["alert_rule_test"]:
            (fires if case.get("exp_alerts") else silent).add(case["alertname"])
    names = {rule["alert"] for rule in rules()}
    equal((names - fires, names - silent), (set(), set()), "rules without a test")


@check
def every_metric_of_the_rules_exists():
    for rule in rules():
        names, _ = selectors(rule["expr"])
        assert names, f"{rule['alert']} reads nothing"
        equal([name for name in sorted(names) if not exists(name)], [], rule["alert"])


@check
def what_the_issue_asks_for_is_watched():
    names = {rule["alert"] for rule in rules()}
    wanted = {"XrayDaemonDropsSegments", "XrayDaemonSpoolGrows", "XrayDaemonCredentialsFailing", "XrayDaemonNotReady"}
    equal(wanted - names, set(), "rules that are missing")
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical") and set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


@check
def promtool_takes_what_the_managed_collector_collects():
    template = (K8S / "terraform/20-observability/scrape.yaml.tftpl").read_text()
    text = template.replace("${interval}", "30s").replace("${cluster}", "eks-cluster-with-vpc")
    assert "${" not in text, "a variable that Terraform is not asked to fill"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        # The token's file is in a pod.
        run(promtool(), "check", "config", "--syntax-only", file.name)
    jobs = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    ours = {rule.get("target_label") for rule in jobs["kubernetes-pods"]["relabel_configs"]}
    assert {"namespace", "pod", "node"} <= ours, f"labels by which alerts and dashboards go: {ours}"


if __name__ == "__main__":
    main()
