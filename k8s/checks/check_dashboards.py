"""Dashboards: what their script writes, Grafana's own types, PromQL that parses, metrics that exist."""

import filecmp
import json
import pathlib
import re
import tempfile

from lib import K8S, Skip, check, equal, main, run
from metrics import exists, selectors

FOLDER = K8S / "dashboards"
NAMES = ["cluster", "namespace", "node", "pod", "workshop", "xray-daemon"]
# Gone since Kubernetes 1.16, or an interval that a slower scrape leaves empty.
FORBIDDEN = re.compile(r"pod_name|container_name|\[1m\]|k8s_|/dev/\[sv\]d")


def dashboards():
    """Name and content of each."""
    return [(name, json.loads((FOLDER / f"{name}.json").read_text())) for name in NAMES]


def expressions(dashboard):
    """Every expression, and the queries of variables, with variables filled in."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], filled(target["expr"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            inner = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            yield f"variable {variable['name']}", filled(inner[1])


def filled(expression):
    """As Grafana sends it."""
    times = re.sub(r"\$__(rate_interval|range)", "5m", expression)
    return re.sub(r"\$\w+", "value", times)


@check
def dashboards_are_what_their_script_writes():
    equal(sorted(path.stem for path in FOLDER.glob("*.json")), NAMES, "files")
    with tempfile.TemporaryDirectory() as folder:
        run("python3", FOLDER / "build", folder)
        for name in NAMES:
            same = filecmp.cmp(FOLDER / f"{name}.json", pathlib.Path(folder) / f"{name}.json", shallow=False)
            assert same, f"{name}.json differs; run k8s/dashboards/build"


@check
def grafanas_own_types_take_them():
    modules = K8S / "checks/node/node_modules"
    if not (modules / "typescript").is_dir():
        raise Skip("no TypeScript; k8s/check tools fetches it")
    folder = K8S / "checks/node/.types"
    folder.mkdir(exist_ok=True)
    lines = ["import {type Dashboard, ThresholdsMode} from '@grafana/schema';"]
    for place, (_, dashboard) in enumerate(dashboards()):
        # An enum of TypeScript is no text, though it is one in JSON.
        text = json.dumps(dashboard).replace('"mode": "absolute"', '"mode": ThresholdsMode.Absolute')
        lines.append(f"export const d{place} = {text} satisfies Partial<Dashboard>;")
    (folder / "dashboards.ts").write_text("\n".join(lines) + "\n")
    compiler = [modules / ".bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext", "--target", "es2022"]
    run(*compiler, folder / "dashboards.ts")
    # The types do refuse what is wrong.
    wrong = lines[1].replace('"graphTooltip": 1', '"graphTooltip": "shared"').replace("d0", "wrong")
    (folder / "wrong.ts").write_text(f"{lines[0]}\n{wrong}\n")
    ended = run(*compiler, folder / "wrong.ts", ok=False)
    assert ended.returncode != 0 and "DashboardCursorSync" in ended.stdout, "a wrong dashboard is taken"


@check
def every_expression_parses_and_reads_metrics_that_exist():
    seen = 0
    for name, dashboard in dashboards():
        for title, expression in expressions(dashboard):
            try:
                names, _ = selectors(expression)
            except ValueError as wrong:
                raise AssertionError(f"{name}, {title}: {wrong}\n{expression}")
            assert names, f"{name}, {title}: {expression} reads nothing"
            equal([found for found in sorted(names) if not exists(found)], [], f"{name}, {title}: {expression}")
            seen += 1
    assert seen > 90, f"only {seen} expressions"


@check
def legends_use_labels_that_the_expression_leaves():
    for name, dashboard in dashboards():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                grouped = re.findall(r"\bby \(([^)]*)\)", target["expr"])
                for label in wanted:
                    if grouped:
                        assert all(label in [one.strip() for one in found.split(",")] for found in grouped[:1]), f"{name}, {panel['title']}: {label}"


@check
def nothing_obsolete_is_asked_for():
    for name in NAMES:
        found = FORBIDDEN.findall((FOLDER / f"{name}.json").read_text())
        equal(found, [], name)


@check
def panels_have_places_of_their_own():
    for name, dashboard in dashboards():
        taken, ids = set(), set()
        for panel in dashboard["panels"]:
            grid = panel["gridPos"]
            cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
            assert grid["x"] + grid["w"] <= 24 and not cells & taken, f"{name}, {panel['title']}"
            taken |= cells
            ids.add(panel["id"])
        equal(len(ids), len(dashboard["panels"]), f"{name}: ids")
    uids = {dashboard["uid"] for _, dashboard in dashboards()}
    equal(len(uids), len(NAMES), "uids")


@check
def every_data_source_is_the_one_that_is_chosen():
    for name, dashboard in dashboards():
        text = json.dumps(dashboard)
        equal(set(re.findall(r'"uid": "(\$\{[^"]*|[^"]*)"', text)) - {dashboard["uid"]}, {"${datasource}"}, name)


if __name__ == "__main__":
    main()
