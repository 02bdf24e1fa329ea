mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_eks_addon_version" {
    defaults = { version = "v6.4.0-eksbuild.1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
  }
  mock_resource "aws_prometheus_workspace" {
    defaults = {
      id                  = "ws-0123"
      arn                 = "arn:aws:aps:us-east-1:111122223333:workspace/ws-0123"
      prometheus_endpoint = "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-0123/"
    }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:111122223333:log-group:mock" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:111122223333:eks-cluster-with-vpc-alerts" }
  }
}

override_data {
  target = data.terraform_remote_state.cluster
  values = {
    outputs = {
      cluster_name              = "eks-cluster-with-vpc"
      cluster_arn               = "arn:aws:eks:us-east-1:111122223333:cluster/eks-cluster-with-vpc"
      eks_version               = "1.36"
      cluster_security_group_id = "sg-0123456789abcdef0"
      private_subnet_ids        = ["subnet-0000000000000000a", "subnet-0000000000000000b"]
    }
  }
}

run "managed_collector_and_otel" {
  assert {
    condition     = length(aws_prometheus_scraper.this) == 1 && length(aws_iam_role.amp_ingest) == 0 && output.prometheus_values == ""
    error_message = "one collector, outside the cluster"
  }
  assert {
    condition     = toset(keys(aws_eks_addon.exporters)) == toset(["kube-state-metrics", "prometheus-node-exporter"])
    error_message = "what the collector reads is installed"
  }
  assert {
    condition     = aws_prometheus_scraper.this[0].source[0].eks[0].cluster_arn == "arn:aws:eks:us-east-1:111122223333:cluster/eks-cluster-with-vpc" && length(aws_prometheus_scraper.this[0].source[0].eks[0].subnet_ids) == 2
    error_message = "the collector is in the nodes' subnets, two at least"
  }
  assert {
    condition     = yamldecode(aws_prometheus_scraper.this[0].scrape_configuration).global == { scrape_interval = "30s", external_labels = { cluster = "eks-cluster-with-vpc" } }
    error_message = "samples say their cluster"
  }
  assert {
    condition     = [for job in yamldecode(aws_prometheus_scraper.this[0].scrape_configuration).scrape_configs : job.job_name] == ["kubernetes-nodes-cadvisor", "kube-state-metrics", "node-exporter", "kubernetes-pods"]
    error_message = "four jobs"
  }
  assert {
    condition     = aws_prometheus_workspace.this.alias == "eks-cluster-with-vpc" && aws_prometheus_workspace.this.logging_configuration[0].log_group_arn == "arn:aws:logs:us-east-1:111122223333:log-group:mock:*"
    error_message = "the workspace logs"
  }
  assert {
    condition     = length(yamldecode(aws_prometheus_rule_group_namespace.xray.data).groups) > 0
    error_message = "rules that were tested are the rules that are loaded"
  }
  assert {
    condition     = jsondecode(aws_eks_addon.cloudwatch.configuration_values).otelContainerInsights.enabled && !jsondecode(aws_eks_addon.cloudwatch.configuration_values).containerInsights.enabled
    error_message = "one Container Insights, the OpenTelemetry one"
  }
  assert {
    condition     = !jsondecode(aws_eks_addon.cloudwatch.configuration_values).applicationSignals.enabled && !jsondecode(aws_eks_addon.cloudwatch.configuration_values).manager.applicationSignals.autoMonitor.monitorAllServices
    error_message = "port 2000 of the nodes stays free and pods unchanged"
  }
  assert {
    condition     = one(aws_eks_addon.cloudwatch.pod_identity_association).service_account == "cloudwatch-agent"
    error_message = "the agent's role is the agent's alone"
  }
  assert {
    condition     = toset([for group in aws_cloudwatch_log_group.containers : group.name]) == toset(["/aws/containerinsights/eks-cluster-with-vpc/application", "/aws/containerinsights/eks-cluster-with-vpc/dataplane", "/aws/containerinsights/eks-cluster-with-vpc/host"])
    error_message = "the add-on's log groups"
  }
  assert {
    condition     = alltrue([for group in concat(values(aws_cloudwatch_log_group.containers), [aws_cloudwatch_log_group.amp]) : group.retention_in_days == 7])
    error_message = "no log is kept for ever"
  }
  assert {
    condition     = length(aws_sns_topic.alerts) == 0 && output.alerts_topic_arn == ""
    error_message = "mail is asked for"
  }
}

run "prometheus_by_helm" {
  variables {
    collector = "helm"
  }

  assert {
    condition     = length(aws_prometheus_scraper.this) == 0 && length(aws_eks_addon.exporters) == 0
    error_message = "the chart brings its own"
  }
  assert {
    condition     = aws_iam_role.amp_ingest[0].name == "amp-iamproxy-ingest-role" && aws_eks_pod_identity_association.amp_ingest[0].namespace == "prometheus" && aws_eks_pod_identity_association.amp_ingest[0].service_account == "amp-iamproxy-ingest-service-account"
    error_message = "the blog's names"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.amp_ingest[0].policy).Statement == [{ Sid = "RemoteWrite", Effect = "Allow", Action = "aps:RemoteWrite", Resource = "arn:aws:aps:us-east-1:111122223333:workspace/ws-0123" }]
    error_message = "it writes, to this workspace, and nothing else"
  }
  assert {
    condition     = jsondecode(aws_iam_role.amp_ingest[0].assume_role_policy).Statement[0].Principal == { Service = "pods.eks.amazonaws.com" }
    error_message = "Pod Identity"
  }
  assert {
    condition     = yamldecode(output.prometheus_values).server.remoteWrite[0].url == "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-0123/api/v1/remote_write" && yamldecode(output.prometheus_values).server.remoteWrite[0].sigv4.region == "us-east-1"
    error_message = "remote write is signed"
  }
  assert {
    condition     = yamldecode(output.prometheus_values).serviceAccounts.server.name == aws_eks_pod_identity_association.amp_ingest[0].service_account
    error_message = "Prometheus runs as who may write"
  }
}

run "classic_container_insights_and_mail" {
  variables {
    container_insights = "classic"
    alert_email        = "me@example.com"
    log_retention_days = 3
  }

  assert {
    condition     = jsondecode(aws_eks_addon.cloudwatch.configuration_values).containerInsights.enabled && !jsondecode(aws_eks_addon.cloudwatch.configuration_values).otelContainerInsights.enabled
    error_message = "one Container Insights, the classic one"
  }
  assert {
    condition     = contains(keys(aws_cloudwatch_log_group.containers), "performance") && aws_cloudwatch_log_group.containers["performance"].retention_in_days == 3
    error_message = "classic metrics are log events, with an end"
  }
  assert {
    condition     = jsondecode(aws_sns_topic_policy.alerts[0].policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:aps:us-east-1:111122223333:workspace/ws-0123"
    error_message = "nobody else's workspace may publish"
  }
  assert {
    condition     = yamldecode(yamldecode(aws_prometheus_alert_manager_definition.this[0].definition).alertmanager_config).receivers[0].sns_configs[0].topic_arn == "arn:aws:sns:us-east-1:111122223333:eks-cluster-with-vpc-alerts"
    error_message = "alerts go to the topic"
  }
  assert {
    condition     = aws_sns_topic_subscription.alerts[0].endpoint == "me@example.com"
    error_message = "and from there by mail"
  }
}

run "no_container_insights" {
  variables {
    container_insights = "none"
  }

  assert {
    condition     = jsondecode(aws_eks_addon.cloudwatch.configuration_values).containerLogs.enabled && !jsondecode(aws_eks_addon.cloudwatch.configuration_values).containerInsights.enabled && !jsondecode(aws_eks_addon.cloudwatch.configuration_values).otelContainerInsights.enabled
    error_message = "logs alone"
  }
}

run "refuses_a_third_collector" {
  command = plan

  variables {
    collector = "adot"
  }

  expect_failures = [var.collector]
}

run "refuses_a_retention_that_cloudwatch_has_not" {
  command = plan

  variables {
    log_retention_days = 2
  }

  expect_failures = [var.log_retention_days]
}
