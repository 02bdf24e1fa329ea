resource "aws_cloudwatch_log_group" "amp" {
  name              = "/aws/vendedlogs/prometheus/${local.cluster.cluster_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_prometheus_workspace" "this" {
  alias = local.cluster.cluster_name

  logging_configuration {
    log_group_arn = "${aws_cloudwatch_log_group.amp.arn}:*"
  }
}

resource "aws_prometheus_workspace_configuration" "this" {
  workspace_id             = aws_prometheus_workspace.this.id
  retention_period_in_days = var.metrics_retention_days
}

# The rules that the checks test with promtool, as they are.
resource "aws_prometheus_rule_group_namespace" "xray" {
  name         = "xray"
  workspace_id = aws_prometheus_workspace.this.id
  data         = file("${path.module}/../../alerts/xray-daemon.rules.yaml")
}
