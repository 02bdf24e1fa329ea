"""Terraform: format, validity and tests of every stack, by the real provider and by the newest's schema."""

import re

import yaml

from charts import only, pod_of, template
from lib import K8S, check, equal, main, run, slow
from terraform import NEWEST, REAL, STACKS, in_stack, program, test_messages, told

FOLDER = K8S / "terraform"
# Fewest runs in the tests of a stack; a stack without tests passes nothing.
RUNS = {"10-cluster": 7, "20-observability": 6, "30-grafana": 3, "40-app": 4}


def text_of(stack):
    """All of a stack's configuration."""
    return "\n".join(path.read_text() for path in sorted((FOLDER / stack).glob("*.tf")))


@check
def configuration_is_formatted():
    run(program(), "fmt", "-check", "-recursive", "-diff", "-no-color", FOLDER)


@check
@slow
def every_stack_is_valid_for_the_real_provider():
    for stack in STACKS:
        in_stack(REAL, stack, "validate", "-no-color")


@check
@slow
def every_stack_is_valid_for_the_newest_provider():
    for stack in STACKS:
        in_stack(NEWEST, stack, "validate", "-no-color")


def tested(provider):
    """Fails unless each run of each stack passed."""
    for stack in STACKS:
        messages, code = test_messages(provider, stack)
        runs = {m["test_run"]["run"]: m["test_run"]["status"] for m in messages if m.get("type") == "test_run" and m["test_run"].get("progress", "complete") == "complete"}
        bad = [m["diagnostic"] for m in messages if m.get("type") == "diagnostic" and m["diagnostic"]["severity"] == "error"]
        assert code == 0 and set(runs.values()) == {"pass"}, f"{stack}: {runs}\n" + "\n".join(f"{d['summary']}: {d.get('detail', '')}" for d in bad)
        assert len(runs) >= RUNS[stack], f"{stack}: only {sorted(runs)}"


@check
@slow
def tests_pass_with_the_real_provider():
    tested(REAL)


@check
@slow
def tests_pass_with_the_newest_provider():
    tested(NEWEST)


@check
@slow
def charts_take_the_values_that_terraform_prints():
    for name, texts in told("40-app").items():
        for chart, output in [("xray-daemon", "xray_daemon_values"), ("workshop", "workshop_values")]:
            (text,) = texts[f"output {output}"]
            objects = list(yaml.safe_load_all(template("helm4", chart, yaml.safe_load(text), image=[]).stdout))
            assert len(objects) > 5, f"{name}, {chart}: {len(objects)} objects"
        if name == "irsa":
            account = only(list(yaml.safe_load_all(template("helm4", "xray-daemon", yaml.safe_load(texts["output xray_daemon_values"][0]), image=[]).stdout)), "ServiceAccount")
            equal(account["metadata"]["annotations"], {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/x-ray-daemon-role"}, "annotations")
    (text,) = told("40-app")["pod_identity"]["output xray_daemon_values"]
    objects = list(yaml.safe_load_all(template("helm4", "xray-daemon", yaml.safe_load(text), image=[]).stdout))
    image = pod_of(only(objects, "DaemonSet"))["containers"][0]["image"]
    equal(image, "111122223333.dkr.ecr.us-east-1.amazonaws.com/xray-daemon:0.1.0", "image")
    equal(only(objects, "NetworkPolicy")["spec"]["ingress"][1]["from"], [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "who may scrape")


@check
def what_a_stack_reads_of_another_is_what_that_one_says():
    seen = 0
    for stack in STACKS:
        text = text_of(stack)
        for name, folder in re.findall(r'data "terraform_remote_state" "(\w+)".*?\.\./([\w-]+)/terraform\.tfstate', text, re.S):
            outputs = set(re.findall(r'^output "(\w+)"', text_of(folder), re.M))
            local = "cluster" if f"cluster = data.terraform_remote_state.{name}.outputs" in text else "observability"
            read = set(re.findall(rf"(?:data\.terraform_remote_state\.{name}\.outputs|local\.{local})\.(\w+)", text))
            assert read, f"{stack} reads nothing of {folder}"
            equal(read - outputs, set(), f"{stack}: not among the outputs of {folder}")
            seen += 1
    equal(seen, 3, "stacks that read another")


@check
def tests_invent_what_other_stacks_say_and_nothing_else():
    for stack in STACKS[1:]:
        for test in (FOLDER / stack / "tests").glob("*.tftest.hcl"):
            for block in re.findall(r"outputs = \{\n(.*?)\n\s{4,6}\}\n", test.read_text(), re.S):
                depth = min(len(line) - len(line.lstrip()) for line in block.splitlines())
                invented = {line.split("=")[0].strip() for line in block.splitlines() if len(line) - len(line.lstrip()) == depth and "=" in line}
                folder = re.search(r"\.\./([\w-]+)/terraform\.tfstate", text_of(stack))[1]
                equal(invented - set(re.findall(r'^output "(\w+)"', text_of(folder), re.M)), set(), test.name)


@check
def stacks_have_one_provider_and_no_foreign_module():
    for stack in STACKS:
        text = text_of(stack)
        equal(set(re.findall(r'source\s+= "(.*)"', text)), {"hashicorp/aws"}, f"{stack}: sources")
        assert '">= 5.100, < 7"' in text, f"{stack}: versions"
        assert not (FOLDER / stack / ".terraform.lock.hcl").exists(), f"{stack}: a lock file of one machine"


@check
def every_variable_and_output_is_described():
    for stack in STACKS:
        for kind, name, body in re.findall(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', text_of(stack), re.M | re.S):
            assert re.search(r'^  description = ".+"$', body, re.M), f"{stack}: {kind} {name}"


@check
def every_variable_is_used_and_examples_name_real_ones():
    for stack in STACKS:
        text = text_of(stack)
        variables = set(re.findall(r'^variable "(\w+)"', text, re.M))
        unused = {name for name in variables if not re.search(rf"\bvar\.{name}\b", re.sub(r'variable ".*?^\}', "", text, flags=re.M | re.S))}
        equal(unused, set(), f"{stack}: switches without an effect")
        example = (FOLDER / stack / "terraform.tfvars.example").read_text()
        named = set(re.findall(r"^(?:# )?(\w+)\s+= ", example, re.M))
        equal(named - variables, set(), f"{stack}: terraform.tfvars.example")


if __name__ == "__main__":
    main()
