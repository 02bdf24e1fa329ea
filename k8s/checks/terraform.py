"""Terraform over a copy of the stacks, with the real provider or with the newest one's schema.

Out: what commands say; policies that a test run met. Owns a copy under .tools, so that the repository gets
neither plug-ins nor lock files.
"""

import functools
import hashlib
import json
import os
import pathlib
import shutil

from lib import K8S, TOOLS, Skip, run, tool

STACKS = ["10-cluster", "20-observability", "30-grafana", "40-app"]
REGISTRY = "registry.terraform.io/hashicorp/aws"
REAL, NEWEST = "real", "newest"


def program():
    """Terraform's path."""
    found = shutil.which("terraform")
    if found is None:
        raise Skip("no terraform; install 1.10 or newer")
    return found


@functools.cache
def mirror():
    """A folder with the real AWS provider: TF_MIRROR, or the one that the machine has."""
    named = os.environ.get("TF_MIRROR")
    places = [pathlib.Path(named)] if named else [pathlib.Path("/opt"), pathlib.Path("/usr/local"), pathlib.Path.home()]
    for place in places:
        # Not deeper than a mirror would be put; what cannot be read is passed over.
        for folder, folders, _ in os.walk(place):
            if "registry.terraform.io" in folders:
                return pathlib.Path(folder)
            if len(pathlib.Path(folder).relative_to(place).parts) > 4:
                folders.clear()
    raise Skip("no mirror with the AWS provider; TF_MIRROR names one")


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
    shutil.copy(schema, folder / "schema.json")
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
def test_messages(provider, stack):
    """What `terraform test` says, message by message, and its exit code. Kept while nothing changes."""
    sources = [path for name in ("terraform", "alerts") for path in sorted((K8S / name).rglob("*")) if path.is_file()]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    kept = TOOLS / f"terraform-{provider}-{stack}.json"
    if kept.exists():
        known = json.loads(kept.read_text())
        if known["state"] == state:
            return known["messages"], 0
    said = in_stack(provider, stack, "test", "-json", "-verbose", ok=False)
    messages = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    if said.returncode == 0:
        # The provider's schema comes with every state, and is most of it.
        for message in messages:
            for kind in ("test_state", "test_plan"):
                message.get(kind, {}).pop("provider_schemas", None)
        kept.write_text(json.dumps({"state": state, "messages": messages}))
    return messages, said.returncode


def policies():
    """(stack, run, address, key, policy) of every policy that tests with the real provider met."""
    for stack in STACKS:
        for message in test_messages(REAL, stack)[0]:
            kind = message.get("type")
            if kind not in ("test_state", "test_plan"):
                continue
            values = message[kind].get("values") or message[kind].get("planned_values") or {}
            for resource in values.get("root_module", {}).get("resources", []):
                for key in ("policy", "assume_role_policy"):
                    text = resource["values"].get(key)
                    if isinstance(text, str) and "Statement" in text:
                        yield stack, message["@testrun"], resource["address"], key, json.loads(text)
