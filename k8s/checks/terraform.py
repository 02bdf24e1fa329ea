"""Terraform over a copy of the stacks, with the real provider or with the newest one's schema.

Out: what commands say; policies that a test run met. Owns a copy under .tools, so that the repository gets
neither plug-ins nor lock files.
"""

import functools
import json
import os
import pathlib
import re
import shutil

from lib import K8S, TOOLS, Unlisted, run, tool

STACKS = ["10-cluster", "20-observability", "30-grafana", "40-app"]
REGISTRY = "registry.terraform.io/hashicorp/aws"
REAL, NEWEST = "real", "newest"


def program():
    """Terraform's path."""
    found = shutil.which("terraform")
    if found is None:
        raise Unlisted("no terraform; install 1.10 or newer")
    return found


@functools.cache
def mirror():
    """A folder with the real AWS provider: TF_MIRROR, or the one that the machine has."""
    named = os.environ.get("TF_MIRROR")
    if named:
        return pathlib.Path(named)
    for place in ("/opt", "/"):
        # Not what this file makes itself, nor what a stack was initialised with.
        passed = ["-path", "/tmp", "-o", "-path", "/proc", "-o", "-name", ".tools", "-o", "-name", ".terraform"]
        found = run("find", place, "-xdev", "(", *passed, ")", "-prune", "-o", "-type", "d", "-name", "registry.terraform.io", "-print", "-quit", ok=False)
        if found.stdout.strip():
            return pathlib.Path(found.stdout.splitlines()[0]).parent
    raise Unlisted("no mirror with the AWS provider; TF_MIRROR names one")


@functools.cache
def newest_mirror():
    """A folder with a provider that has the newest schema and nothing else."""
    python = tool("tfpy/bin/python", "k8s/check tools makes it")
    schema = tool("provider/schema.json", "k8s/check tools fetches it")
    version = json.loads(schema.read_text())["version"]
    folder = TOOLS / "newest" / REGISTRY / version / "linux_amd64"
    folder.mkdir(parents=True, exist_ok=True)
    server = folder / f"terraform-provider-aws_v{version}"
    server.write_text(f"#!{python}\n" + (K8S / "checks/provider_server.py").read_text())
    server.chmod(0o755)
    # Terraform asks for all of it with every start; what no stack names would only cost time.
    named = set(re.findall(r'^(?:resource|data) "(\w+)"', "\n".join(path.read_text() for path in (K8S / "terraform").rglob("*.tf")), re.M))
    all_of_it = json.loads(schema.read_text())
    wanted = named | {f"data.{name}" for name in named} | {"aws"}
    all_of_it["resources"] = {name: found for name, found in all_of_it["resources"].items() if name in wanted}
    assert "aws" in all_of_it["resources"], "the provider's own arguments are not in its schema"
    (folder / "schema.json").write_text(json.dumps(all_of_it))
    return TOOLS / "newest"


@functools.cache
def prepared(provider):
    """A copy of the stacks with the provider installed; folder and environment."""
    terraform = program()
    source = mirror() if provider == REAL else newest_mirror()
    copy = TOOLS / f"terraform-{provider}"
    shutil.rmtree(copy, ignore_errors=True)
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "terraform.tfvars")
    for name in ("terraform", "alerts"):
        shutil.copytree(K8S / name, copy / name, ignore=ignored)
    settings = copy / "terraform.rc"
    settings.write_text(f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{ path = "{source}" }}\n}}\n')
    env = {**os.environ, "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1"}
    for stack in STACKS:
        run(terraform, f"-chdir={copy / 'terraform' / stack}", "init", "-backend=false", "-input=false", "-no-color", env=env)
    return copy / "terraform", env


def in_stack(provider, stack, *command, ok=True):
    """Runs one command of Terraform in a stack."""
    folder, env = prepared(provider)
    return run(program(), f"-chdir={folder / stack}", *command, ok=ok, env=env)


@functools.cache
def test_messages(provider, stack, folder="tests"):
    """What `terraform test` says, message by message, and its exit code."""
    said = in_stack(provider, stack, "test", "-json", f"-test-directory={folder}", ok=False)
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")], said.returncode


MARK = "policies: "


def that_tells(stack):
    """An assertion that fails with every policy, and values for charts, in its message: how a test run tells them."""
    text = "\n".join(path.read_text() for path in sorted((K8S / "terraform" / stack).glob("*.tf")))
    told = []
    for kind, name, body in re.findall(r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', text, re.M | re.S):
        for key in re.findall(r"^  (policy|assume_role_policy) +=", body, re.M):
            if kind != "aws_ecr_lifecycle_policy":
                several = re.search(r"^  (count|for_each) +=", body, re.M)
                values = f"[for one in {kind}.{name} : one.{key}]" if several else f"[{kind}.{name}.{key}]"
                told.append(f'"{kind}.{name} {key}" = {values}')
    told += [f'"output {name}" = [output.{name}]' for name in re.findall(r'^output "(\w+_values)"', text, re.M)]
    values = "{ " + ", ".join(told) + " }"
    return f'  assert {{\n    condition     = var.region == \"\"\n    error_message = "{MARK}${{jsonencode({values})}}"\n  }}\n'


@functools.cache
def told(stack):
    """What every run of a stack's tests with the real provider tells: run and address to texts."""
    folder = prepared(REAL)[0] / stack
    (folder / "policies").mkdir(exist_ok=True)
    for test in (folder / "tests").glob("*.tftest.hcl"):
        runs = re.split(r"^(?=run )", test.read_text(), flags=re.M)
        kept = [runs[0]] + [one for one in runs[1:] if "expect_failures" not in one]
        # Assertions come last in a run, so this one goes before the first of them.
        telling = [re.sub(r"^  assert \{", lambda found: that_tells(stack) + found[0], one, count=1, flags=re.M) for one in kept]
        (folder / "policies" / test.name).write_text("".join(telling))
    found = {}
    for message in test_messages(REAL, stack, "policies")[0]:
        detail = message.get("diagnostic", {}).get("detail", "")
        if detail.startswith(MARK):
            found[message["@testrun"]] = json.loads(detail[len(MARK):])
    return found


def policies():
    """(stack, run, address, key, policy) of every policy that tests with the real provider met."""
    for stack in STACKS:
        met = told(stack)
        assert met, f"{stack}: no run told its policies"
        for name, texts in met.items():
            for address, values in texts.items():
                resource, key = address.split(" ")
                for text in values if resource != "output" else []:
                    yield stack, name, resource, key, json.loads(text)
