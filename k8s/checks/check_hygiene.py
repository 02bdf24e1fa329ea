"""The whole repository: no host name that a proxy has rewritten, no dash that looks like a hyphen, pinned tools."""

import re

import yaml

from lib import K8S, ROOT, check, equal, main, run

# Written so that this file is not found by itself.
MANGLED = re.compile("|".join(["gos" + "kope", "rpro" + "xy"]))
TEXT = {".md", ".tf", ".yaml", ".yml", ".json", ".hcl", ".toml", ".sh", ".py", ".rs", ".tpl", ".txt", ".example", ".html", ""}


def files():
    """Every file that git knows, as text."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.split("\0")
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file() and path.suffix in TEXT:
            yield name, path.read_bytes().decode(errors="replace")


@check
def no_host_name_was_rewritten_by_a_proxy():
    equal([name for name, text in files() if MANGLED.search(text)], [], "files")


@check
def no_option_begins_with_a_long_dash():
    dash = re.compile("(^|[\\s`'\"])-?[\u2010-\u2015][a-z][a-z-]+", re.M)
    equal([name for name, text in files() if name.startswith("k8s/") and dash.search(text)], [], "files")


@check
def annotation_keys_are_those_that_eks_reads():
    for name, text in files():
        if name.startswith("k8s/") and "checks/" not in name:
            keys = {key.replace("\\", "") for key in re.findall(r"[\w.\\-]+/role-arn", text)}
            equal(keys - {"eks.amazonaws.com/role-arn"}, set(), name)


@check
def what_the_checks_install_is_pinned():
    for name in ("requirements.txt", "requirements-provider.txt"):
        lines = [line for line in (K8S / "checks" / name).read_text().splitlines() if line and not line.startswith("#")]
        equal([line for line in lines if "==" not in line and line != "setuptools<81"], [], name)


@check
def yaml_is_one_reading_only():
    for path in sorted(K8S.rglob("*.yaml")):
        parts = set(path.parts)
        if parts & {".tools", "node_modules", "templates"}:
            continue
        list(yaml.safe_load_all(path.read_text()))


@check
def the_readme_leads_here():
    assert "k8s/README.md" in (ROOT / "README.md").read_text(), "no line in the README"


if __name__ == "__main__":
    main()
