"""The guide: shell lines that parse, local ones that run, policies, links, costs, both languages alike."""

import json
import os
import pathlib
import re
import tempfile

import parliament
import yaml

from charts import helm
from lib import K8S, ROOT, check, equal, main, run, tool

GUIDES = {"en": K8S / "README.md", "es": K8S / "README.es.md"}
LOCAL = "<!-- run by the checks -->\n"


def blocks(language, kind):
    """Blocks of code of one kind, with what stands right before them."""
    text = GUIDES[language].read_text()
    return re.findall(rf"(<!-- run by the checks -->\n)?^```{kind}\n(.*?)^```$", text, re.M | re.S)


def scripts():
    """Every script that the guide asks to run, within the repository."""
    found = [path for path in K8S.rglob("*") if path.is_file() and ".tools" not in path.parts and "node_modules" not in path.parts]
    return [path for path in found if path.read_bytes()[:20].startswith(b"#!/usr/bin/env bash")] + [K8S / "checks/tools.sh"]


@check
def every_shell_line_is_parsed_and_linted():
    shellcheck = tool("py/bin/shellcheck", "k8s/check tools makes it")
    for language in GUIDES:
        found = blocks(language, "sh")
        assert len(found) > 12, f"{language}: only {len(found)} blocks"
        for _, block in found:
            run("bash", "-n", input=block)
            # SC2154: variables of an earlier block.
            run(shellcheck, "--shell", "bash", "--exclude", "SC2154", "-", input=block)


@check
def scripts_are_linted():
    shellcheck = tool("py/bin/shellcheck", "k8s/check tools makes it")
    assert len(scripts()) >= 6, scripts()
    run(shellcheck, "-x", *scripts(), cwd=K8S)


@check
def options_begin_with_hyphens():
    for language, path in GUIDES.items():
        for _, block in blocks(language, "sh"):
            assert not re.search("[\u2010-\u2015\u2212]", block), f"{language}: a dash that no program knows in\n{block}"
        inline = re.findall(r"`([^`\n]+)`", path.read_text())
        bad = [code for code in inline if re.search("(^|\\s)-?[\u2010-\u2015]", code)]
        equal(bad, [], path.name)


@check
def both_languages_say_the_same_commands():
    for kind in ("sh", "json", "text"):
        equal(blocks("es", kind), blocks("en", kind), f"blocks of {kind}")
    en, es = (path.read_text() for path in GUIDES.values())
    heads = lambda text: [len(found) for found in re.findall(r"^(#+) ", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)]
    equal(heads(es), heads(en), "headings")
    rows = lambda text: len(re.findall(r"^\|", text, re.M))
    equal(rows(es), rows(en), "rows of tables")


@check
def local_steps_do_what_they_say():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("helm", "kubectl"):
            (pathlib.Path(folder) / name).symlink_to(tool(f"helm4/bin/{name}", "k8s/check tools fetches it"))
        env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        local = [block for mark, block in blocks("en", "sh") if mark]
        equal(len(local), 1, "blocks marked to be run")
        said = run("bash", "-euo", "pipefail", "-c", local[0], cwd=ROOT, env=env).stdout
    counts = [int(line) for line in said.splitlines() if line.isdigit()]
    equal((len(counts), min(counts) > 4), (4, True), f"objects counted\n{said}")


@check
def policies_in_the_guide_are_sound():
    found = [json.loads(block) for _, block in blocks("en", "json")]
    equal(len(found), 2, "policies")
    trust, ingest = found
    condition = trust["Statement"][0]["Condition"]["StringEquals"]
    equal({key.rsplit(":", 1)[1] for key in condition}, {"sub", "aud"}, "trust")
    findings = parliament.analyze_policy_string(json.dumps(ingest)).findings
    equal([f.issue for f in findings], [], "ingest")


@check
def links_lead_somewhere():
    for path in GUIDES.values():
        text = path.read_text()
        titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
        anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if target.startswith("#"):
                assert target[1:] in anchors, f"{path.name}: {target} is not among {sorted(anchors)}"
            elif not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


@check
def files_and_outputs_that_commands_name_exist():
    for _, block in blocks("en", "sh"):
        for name in re.findall(r"(?<![\w/])(k8s/[\w./-]+)", block):
            made_later = name.endswith("terraform.tfvars")
            assert made_later or (ROOT / name).exists(), f"{name} is not there"
        for stack, option, output in re.findall(r"-chdir=k8s/terraform/([\w-]+) output (-raw|-json) (\w+)", block):
            text = (K8S / "terraform" / stack / "outputs.tf").read_text()
            assert f'output "{output}"' in text, f"{stack} has no output {output}"
        for stack, variable in re.findall(r"-chdir=k8s/terraform/([\w-]+) apply.*?-var '?(\w+)=", block):
            text = (K8S / "terraform" / stack / "variables.tf").read_text()
            assert f'variable "{variable}"' in text, f"{stack} has no variable {variable}"


@check
def values_that_the_guide_names_are_values_of_the_charts():
    daemon, shop = (yaml.safe_load((K8S / "charts" / name / "values.yaml").read_text()) for name in ("xray-daemon", "workshop"))
    text = GUIDES["en"].read_text()
    seen = 0
    for key in re.findall(r"[`' ]((?:otlp|spool|metrics|frontend|load|xray|console)\.[\w.]+)=", text):
        value = shop if key.split(".")[0] in ("frontend", "load", "xray") else daemon
        for part in key.split("."):
            assert isinstance(value, dict) and part in value, f"no chart has {key}"
            value = value[part]
        seen += 1
    assert seen >= 7, f"only {seen} values were looked at"


@check
def costs_add_up():
    for path in GUIDES.values():
        text = path.read_text()
        rows = [float(found) for found in re.findall(r"^\| (?!\*\*).*\| ([0-9]+\.[0-9]{3}) \|$", text, re.M)]
        total = float(re.search(r"^\| \*\*.*\*\* \| \*\*([0-9.]+)\*\* \|$", text, re.M)[1])
        assert len(rows) >= 9, f"{path.name}: {rows}"
        equal(round(sum(rows), 3), total, f"{path.name}: the total")
        headline = float(re.search(r"\*\*\$?([0-9][.,][0-9]{2})", text)[1].replace(",", "."))
        equal(round(total, 2), headline, f"{path.name}: what the first paragraph says")


@check
def the_leftovers_script_finds_what_is_left_and_nothing_else():
    everything = "eks ec2 amp grafana logs xray iam ecr resourcegroupstaggingapi".split()
    for left, code in [("", 0), ("xray", 1), ("ec2", 1)]:
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder) / "aws"
            fake.write_text(f'#!/bin/sh\necho "$*" >>"{folder}/asked"\nif [ "$1" = "{left}" ]; then printf "one\\ttwo\\n"; else echo None; fi\n')
            fake.chmod(0o755)
            env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
            ended = run(K8S / "leftovers", "eks-cluster-with-vpc", "eu-west-1", ok=False, env=env)
            asked = (pathlib.Path(folder) / "asked").read_text().splitlines()
        equal(ended.returncode, code, f"exit code with {left or 'nothing'} left\n{ended.stdout}{ended.stderr}")
        equal({line.split()[0] for line in asked}, set(everything), "services asked")
        assert all("--region eu-west-1" in line for line in asked), asked
        if left:
            assert "  one\n  two\n" in ended.stdout, ended.stdout
        else:
            assert "nothing of eks-cluster-with-vpc is left" in ended.stdout, ended.stdout


@check
def the_leftovers_script_says_when_it_could_not_ask():
    with tempfile.TemporaryDirectory() as folder:
        fake = pathlib.Path(folder) / "aws"
        fake.write_text("#!/bin/sh\nexit 255\n")
        fake.chmod(0o755)
        ended = run(K8S / "leftovers", ok=False, env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
    equal((ended.returncode, "could not ask for clusters" in ended.stderr), (2, True), "an expired session")


if __name__ == "__main__":
    main()
