# The add-on for container logs and Container Insights. Application Signals stays off: it would listen on
# port 2000 of every node and change pods that nobody asked it to change.

locals {
  insights = {
    otel    = { otelContainerInsights = { enabled = true }, containerInsights = { enabled = false } }
    classic = { otelContainerInsights = { enabled = false }, containerInsights = { enabled = true } }
    none    = { otelContainerInsights = { enabled = false }, containerInsights = { enabled = false } }
  }[var.container_insights]

  # Only the classic mode writes metrics as log events.
  log_groups = concat(["application", "dataplane", "host"], var.container_insights == "classic" ? ["performance"] : [])

  addons = concat(
    ["amazon-cloudwatch-observability"],
    var.collector == "managed" ? ["kube-state-metrics", "prometheus-node-exporter"] : [],
  )
}

data "aws_eks_addon_version" "this" {
  for_each = toset(local.addons)

  addon_name         = each.key
  kubernetes_version = local.cluster.eks_version
  most_recent        = true
}

# Made before the add-on, or it makes them itself and keeps logs for ever.
resource "aws_cloudwatch_log_group" "containers" {
  for_each = toset(local.log_groups)

  name              = "/aws/containerinsights/${local.cluster.cluster_name}/${each.key}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "cloudwatch" {
  name = "${local.cluster.cluster_name}-cloudwatch-agent"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { Service = "pods.eks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "cloudwatch" {
  role       = aws_iam_role.cloudwatch.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/CloudWatchAgentServerPolicy"
}

resource "aws_eks_addon" "cloudwatch" {
  cluster_name  = local.cluster.cluster_name
  addon_name    = "amazon-cloudwatch-observability"
  addon_version = data.aws_eks_addon_version.this["amazon-cloudwatch-observability"].version
  configuration_values = jsonencode(merge(local.insights, {
    containerLogs      = { enabled = true }
    applicationSignals = { enabled = false }
    manager            = { applicationSignals = { autoMonitor = { monitorAllServices = false } } }
  }))
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  pod_identity_association {
    role_arn        = aws_iam_role.cloudwatch.arn
    service_account = "cloudwatch-agent"
  }

  depends_on = [aws_iam_role_policy_attachment.cloudwatch, aws_cloudwatch_log_group.containers]
}
