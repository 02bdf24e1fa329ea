output "region" {
  description = "Where everything is."
  value       = var.region
}

output "cluster_name" {
  description = "Name of the cluster that is observed."
  value       = local.cluster.cluster_name
}

output "workspace_arn" {
  description = "ARN of the AMP workspace."
  value       = aws_prometheus_workspace.this.arn
}

output "workspace_url" {
  description = "URL that Grafana queries."
  value       = aws_prometheus_workspace.this.prometheus_endpoint
}

output "remote_write_url" {
  description = "URL that Prometheus writes to."
  value       = "${aws_prometheus_workspace.this.prometheus_endpoint}api/v1/remote_write"
}

output "log_group_arns" {
  description = "Log groups of containers, nodes and control plane, for Grafana."
  value       = [for group in aws_cloudwatch_log_group.containers : group.arn]
}

output "alerts_topic_arn" {
  description = "Topic of the alerts; empty without alert_email."
  value       = one(aws_sns_topic.alerts[*].arn) == null ? "" : one(aws_sns_topic.alerts[*].arn)
}

output "prometheus_values" {
  description = "Values for the chart of Prometheus, with collector = helm: terraform output -raw prometheus_values"
  value = var.collector != "helm" ? "" : yamlencode({
    serviceAccounts          = { server = { name = "amp-iamproxy-ingest-service-account" } }
    alertmanager             = { enabled = false }
    "prometheus-pushgateway" = { enabled = false }
    server = {
      global           = { scrape_interval = var.scrape_interval, external_labels = { cluster = local.cluster.cluster_name } }
      retention        = "2h"
      persistentVolume = { enabled = false }
      remoteWrite = [{
        url          = "${aws_prometheus_workspace.this.prometheus_endpoint}api/v1/remote_write"
        sigv4        = { region = var.region }
        queue_config = { max_samples_per_send = 1000, max_shards = 200, capacity = 2500 }
      }]
    }
  })
}
