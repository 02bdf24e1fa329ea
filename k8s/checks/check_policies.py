"""IAM: every action exists, no wildcard, resources as narrow as IAM allows, trust without strangers."""

import functools
import json
import pathlib

import parliament
import policy_sentry

from lib import check, equal, main, slow
from terraform import policies

# Actions newer than parliament's list. None so far.
NEWER_THAN_PARLIAMENT = set()


@functools.cache
def services():
    """The service authorization reference, by prefix."""
    path = pathlib.Path(policy_sentry.__file__).parent / "shared/data/iam-definition.json"
    return json.loads(path.read_text())


def listed(value):
    """A policy's one or many as a list."""
    return value if isinstance(value, list) else [value]


def statements(which):
    """(where, statement) of every policy met, each once."""
    seen = set()
    for stack, _, address, key, policy in policies():
        for statement in policy["Statement"]:
            once = (stack, address, json.dumps(statement, sort_keys=True))
            if key == which and once not in seen:
                seen.add(once)
                yield f"{stack}, {address}", statement


def action_of(name):
    """What the reference says of an action, or None."""
    prefix, action = name.split(":")
    privileges = services().get(prefix, {}).get("privileges", {})
    return next((found for known, found in privileges.items() if known.lower() == action.lower()), None)


@check
@slow
def every_action_exists_and_is_spelt_out():
    seen = 0
    for key in ("policy", "assume_role_policy"):
        for where, statement in statements(key):
            for name in listed(statement["Action"]):
                assert "*" not in name, f"{where}: {name}"
                assert action_of(name) is not None, f"{where}: there is no action {name}"
                seen += 1
    assert seen > 25, f"only {seen} actions were looked at"


@check
@slow
def a_resource_is_named_where_iam_can_bound_it():
    for where, statement in statements("policy"):
        for name in listed(statement["Action"]):
            bounded = [kind for kind in action_of(name)["resource_types"] if kind]
            everything = "*" in listed(statement["Resource"])
            if everything:
                # IAM knows no narrower word for these.
                unavoidable = not bounded or name in BOUNDED_BUT_READ_BY_QUERY
                assert unavoidable, f"{where}: {name} on *, though IAM takes {bounded}"
            else:
                assert bounded, f"{where}: {name} knows no resources, so a named one permits nothing"


# Read actions whose resource is chosen by a query, so that Grafana asks them of everything.
BOUNDED_BUT_READ_BY_QUERY = {"logs:DescribeLogGroups", "xray:GetInsightEvents"}


@check
@slow
def what_only_reads_cannot_write():
    for where, statement in statements("policy"):
        if not where.startswith("30-grafana") or statement["Sid"] == "PublishAlerts":
            continue
        for name in listed(statement["Action"]):
            level = action_of(name)["access_level"]
            assert level in ("Read", "List") or name in ("logs:StartQuery", "logs:StopQuery"), f"{where}: {name} is {level}"


@check
@slow
def roles_trust_one_service_or_one_account_of_kubernetes():
    services_trusted, seen = set(), 0
    for where, statement in statements("assume_role_policy"):
        principal = statement["Principal"]
        if "Federated" in principal:
            keys = {key.rsplit(":", 1)[1] for key in statement["Condition"]["StringEquals"]}
            equal(keys, {"sub", "aud"}, where)
        else:
            services_trusted.add(principal["Service"])
            if principal["Service"] == "pods.eks.amazonaws.com":
                equal(statement["Action"], ["sts:AssumeRole", "sts:TagSession"], where)
        seen += 1
    known = {"eks.amazonaws.com", "ec2.amazonaws.com", "pods.eks.amazonaws.com", "grafana.amazonaws.com"}
    equal(services_trusted, known, "services trusted")
    assert seen >= 7, f"only {seen} roles were looked at"


@check
@slow
def parliament_finds_nothing():
    for stack, _, address, key, policy in policies():
        if key == "policy" and "Principal" not in policy["Statement"][0]:
            findings = parliament.analyze_policy_string(json.dumps(policy)).findings
            left = [f for f in findings if not (f.issue == "UNKNOWN_ACTION" and str(f.detail) in NEWER_THAN_PARLIAMENT)]
            equal([f"{f.issue}: {f.detail}" for f in left], [], f"{stack}, {address}")


if __name__ == "__main__":
    main()
