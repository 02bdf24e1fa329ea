"""Services, policies and accounts: who reaches whom, by the names and ports that are promised."""

from charts import containers, everything, only, pod_of, rendered
from lib import check, equal, main


def ports(service):
    """Name, port and protocol of each."""
    return {(port["name"], port["port"], port["protocol"]) for port in service["spec"]["ports"]}


def ingress_ports(policy, rule):
    """Port and protocol of each of one rule."""
    return {(port["port"], port["protocol"]) for port in policy["spec"]["ingress"][rule]["ports"]}


@check
def applications_reach_the_daemon_of_their_node_and_no_other():
    service = only(rendered("helm4", "xray-daemon", "default"), "Service", "xray-service")
    equal(service["spec"]["internalTrafficPolicy"], "Local", "internalTrafficPolicy")
    equal(service["spec"]["type"], "ClusterIP", "type")
    assert "clusterIP" not in service["spec"], "headless: the policy would have no effect"
    equal(ports(service), {("xray-ingest", 2000, "UDP"), ("xray-tcp", 2000, "TCP")}, "ports")


@check
def otlp_comes_by_the_same_service():
    service = only(rendered("helm4", "xray-daemon", "otlp"), "Service", "xray-service")
    assert {("otlp-grpc", 4317, "TCP"), ("otlp-http", 4318, "TCP")} <= ports(service), ports(service)


@check
def one_console_serves_all_nodes():
    objects = rendered("helm4", "xray-daemon", "console")
    assert "DaemonSet" not in [found["kind"] for found in objects]
    deployment = only(objects, "Deployment")
    equal((deployment["spec"]["replicas"], deployment["spec"]["strategy"]), (1, {"type": "Recreate"}), "Deployment")
    service = only(objects, "Service", "xray-service")
    assert "internalTrafficPolicy" not in service["spec"], "other nodes would lose their segments"


@check
def a_console_that_others_reach_asks_for_a_token():
    for case, secret in [("console for others", "xray-daemon-console"), ("console with a secret", "console")]:
        objects = rendered("helm4", "xray-daemon", case)
        env = pod_of(only(objects, "Deployment"))["containers"][0]["env"]
        reference = {"name": secret, "key": "token"}
        equal(env[0], {"name": "XRAY_CONSOLE_TOKEN", "valueFrom": {"secretKeyRef": reference}}, case)
        only(objects, "Service", "xray-console")
    kinds = [(o["kind"], o["metadata"]["name"]) for o in rendered("helm4", "xray-daemon", "console")]
    assert ("Service", "xray-console") not in kinds and ("Secret", "xray-daemon-console") not in kinds, kinds


@check
def every_service_leads_to_pods_with_its_ports():
    for chart, case, objects in everything():
        for service in (found for found in objects if found["kind"] == "Service"):
            wanted = service["spec"]["selector"]
            led = [
                pod_of(found) for found in objects
                if found["kind"] in ("DaemonSet", "Deployment")
                and wanted.items() <= found["spec"]["template"]["metadata"]["labels"].items()
            ]
            equal(len(led), 1, f"{chart}, {case}: workloads behind {service['metadata']['name']}")
            declared = {(port["name"], port["protocol"]) for c in containers(led[0]) for port in c.get("ports", [])}
            asked = {(port["targetPort"], port["protocol"]) for port in service["spec"]["ports"]}
            assert asked <= declared, f"{chart}, {case}: {asked - declared}"


@check
def the_policy_lets_in_what_the_service_offers():
    for case in ("default", "otlp"):
        objects = rendered("helm4", "xray-daemon", case)
        policy = only(objects, "NetworkPolicy")
        offered = {(port, protocol) for _, port, protocol in ports(only(objects, "Service", "xray-service"))}
        equal(ingress_ports(policy, 0), offered, case)
        equal(ingress_ports(policy, 1), {(2001, "TCP")}, case)


@check
def the_policy_lets_out_to_dns_aws_and_pod_identity():
    policy = only(rendered("helm4", "xray-daemon", "default"), "NetworkPolicy")
    out = {(port["port"], port["protocol"]) for rule in policy["spec"]["egress"] for port in rule["ports"]}
    equal(out, {(53, "UDP"), (53, "TCP"), (443, "TCP"), (80, "TCP")}, "egress")
    agent = next(rule for rule in policy["spec"]["egress"] if rule["ports"] == [{"port": 80, "protocol": "TCP"}])
    blocks = [peer["ipBlock"]["cidr"] for peer in agent["to"]]
    equal(blocks, ["169.254.170.23/32", "fd00:ec2::23/128"], "Pod Identity's agent")


@check
def values_of_the_policy_arrive():
    policy = only(rendered("helm4", "xray-daemon", "narrow policy"), "NetworkPolicy")["spec"]
    equal(policy["ingress"][0]["from"], [{"namespaceSelector": {"matchLabels": {"xray-ingest": "true"}}}], "from")
    equal(policy["ingress"][1]["from"], [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "metricsFrom")
    assert {"ports": [{"port": 4318, "protocol": "TCP"}]} in policy["egress"], policy["egress"]


@check
def the_key_of_irsa_is_the_one_that_eks_reads():
    account = only(rendered("helm4", "xray-daemon", "irsa"), "ServiceAccount")
    role = "arn:aws:iam::111122223333:role/x-ray-daemon-role"
    equal(account["metadata"]["annotations"], {"eks.amazonaws.com/role-arn": role}, "annotations")
    plain = only(rendered("helm4", "xray-daemon", "default"), "ServiceAccount")
    equal((plain["metadata"]["name"], "annotations" in plain["metadata"]), ("xray-daemon", False), "Pod Identity")


@check
def nothing_may_ask_the_api_server_for_anything():
    for chart, case, objects in everything():
        kinds = {found["kind"] for found in objects}
        assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}, f"{chart}, {case}"


@check
def updates_surge_unless_a_spool_is_shared():
    for case, expected in [("default", (1, 0)), ("spool", (1, 0)), ("spool on the node", (0, 1))]:
        rolling = only(rendered("helm4", "xray-daemon", case), "DaemonSet")["spec"]["updateStrategy"]["rollingUpdate"]
        equal((rolling["maxSurge"], rolling["maxUnavailable"]), expected, case)


@check
def a_change_of_configuration_replaces_the_pods():
    sums = {
        only(rendered("helm4", "xray-daemon", case), "DaemonSet")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for case in ("default", "otlp out", "everything said")
    }
    equal(len(sums), 3, "distinct checksums")


@check
def scrapes_are_announced_once():
    daemon = only(rendered("helm4", "xray-daemon", "default"), "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
    equal((daemon["prometheus.io/scrape"], daemon["prometheus.io/port"]), ("true", "2001"), "annotations")
    objects = rendered("helm4", "xray-daemon", "service monitor")
    annotations = only(objects, "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
    assert "prometheus.io/scrape" not in annotations, annotations
    monitor, service = only(objects, "ServiceMonitor")["spec"], only(objects, "Service", "xray-daemon-metrics")
    wanted = monitor["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items(), wanted
    equal(monitor["endpoints"][0]["port"], service["spec"]["ports"][0]["name"], "port")
    other = only(objects, "Service", "xray-service")["metadata"]["labels"]
    assert not wanted.items() <= other.items(), "segments' Service would be scraped as well"


@check
def the_workshops_names_ports_and_urls_are_kept():
    objects = rendered("helm4", "workshop", "default")
    for name, port, target in [("frontend", 80, 9000), ("prodcatalog", 5000, 5000), ("proddetail", 3000, 3000)]:
        service, deployment = only(objects, "Service", name), only(objects, "Deployment", name)
        equal([p["port"] for p in service["spec"]["ports"]], [port], name)
        container = pod_of(deployment)["containers"][0]
        equal([p["containerPort"] for p in container["ports"]], [target], name)
        env = {found["name"]: found.get("value") for found in container["env"]}
        equal(env["AWS_XRAY_DAEMON_ADDRESS"], "xray-service.xray:2000", name)
    for name, variable, url in [
        ("frontend", "BASE_URL", "http://prodcatalog.workshop:5000/products/"),
        ("prodcatalog", "AGG_APP_URL", "http://proddetail.workshop:3000/catalogDetail"),
    ]:
        env = pod_of(only(objects, "Deployment", name))["containers"][0]["env"]
        assert {"name": variable, "value": url} in env, env


@check
def products_in_a_database_need_no_folder_and_may_have_replicas():
    objects = rendered("helm4", "workshop", "database and canary")
    catalog = only(objects, "Deployment", "prodcatalog")
    equal((catalog["spec"]["replicas"], "volumes" in pod_of(catalog)), (3, False), "prodcatalog")
    env = {found["name"]: found for found in pod_of(catalog)["containers"][0]["env"]}
    equal(env["DATABASE_SERVICE_URL"]["valueFrom"], {"secretKeyRef": {"name": "products", "key": "url"}}, "url")
    equal(env["AGG_APP_V2_URL"]["value"], "http://proddetail-v2.workshop:3000/catalogDetail", "canary")
    pod = pod_of(only(objects, "Deployment", "proddetail-v2"))
    equal(pod["containers"][0]["args"][-2:], ["--version", "2"], "canary")
    plain = only(rendered("helm4", "workshop", "default"), "Deployment", "prodcatalog")
    equal((plain["spec"]["strategy"], len(pod_of(plain)["volumes"])), ({"type": "Recreate"}, 1), "SQLite")


@check
def what_has_one_replica_never_blocks_a_drain():
    objects = rendered("helm4", "workshop", "default")
    budgets = {found["metadata"]["name"] for found in objects if found["kind"] == "PodDisruptionBudget"}
    equal(budgets, {"frontend", "proddetail"}, "disruption budgets")


@check
def load_balancers_are_made_as_each_controller_reads_it():
    plain = only(rendered("helm4", "workshop", "nlb"), "Service", "frontend")
    equal(plain["spec"]["loadBalancerSourceRanges"], ["203.0.113.7/32"], "source ranges")
    equal(plain["metadata"]["annotations"], {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"}, "cloud controller")
    other = only(rendered("helm4", "workshop", "nlb of the other controller"), "Service", "frontend")
    equal(other["spec"]["loadBalancerClass"], "service.k8s.aws/nlb", "class")
    equal(other["metadata"]["annotations"]["service.beta.kubernetes.io/aws-load-balancer-scheme"], "internal", "scheme")
    default = only(rendered("helm4", "workshop", "default"), "Service", "frontend")
    equal(default["spec"]["type"], "ClusterIP", "by default nobody comes from outside")


if __name__ == "__main__":
    main()
