# What Grafana may read, and nothing that it may write, but alerts to one topic.

locals {
  observability = data.terraform_remote_state.observability.outputs

  permissions = merge(
    {
      metrics = [
        {
          Sid      = "ListWorkspaces"
          Effect   = "Allow"
          Action   = ["aps:ListWorkspaces"]
          Resource = ["*"]
        },
        {
          Sid    = "QueryWorkspace"
          Effect = "Allow"
          Action = [
            "aps:DescribeWorkspace",
            "aps:GetLabels",
            "aps:GetMetricMetadata",
            "aps:GetSeries",
            "aps:ListAlerts",
            "aps:ListRules",
            "aps:QueryMetrics",
          ]
          Resource = [local.observability.workspace_arn]
        },
      ]
      traces = [
        {
          Sid    = "ReadTraces"
          Effect = "Allow"
          Action = [
            "xray:BatchGetTraces",
            "xray:GetGroups",
            "xray:GetInsightEvents",
            "xray:GetInsightSummaries",
            "xray:GetServiceGraph",
            "xray:GetTimeSeriesServiceStatistics",
            "xray:GetTraceGraph",
            "xray:GetTraceSummaries",
          ]
          Resource = ["*"]
        },
      ]
      cloudwatch = [
        {
          Sid    = "ReadMetrics"
          Effect = "Allow"
          Action = [
            "cloudwatch:GetMetricData",
            "cloudwatch:ListMetrics",
            "ec2:DescribeRegions",
            "logs:DescribeLogGroups",
            "logs:StopQuery",
          ]
          Resource = ["*"]
        },
        {
          Sid    = "ReadLogs"
          Effect = "Allow"
          Action = [
            "logs:GetLogEvents",
            "logs:GetLogGroupFields",
            "logs:GetQueryResults",
            "logs:StartQuery",
          ]
          Resource = [for arn in local.observability.log_group_arns : "${arn}:*"]
        },
      ]
    },
    local.observability.alerts_topic_arn == "" ? {} : {
      alerts = [
        {
          Sid      = "PublishAlerts"
          Effect   = "Allow"
          Action   = ["sns:Publish"]
          Resource = [local.observability.alerts_topic_arn]
        },
      ]
    },
  )
}

resource "aws_iam_role_policy" "grafana" {
  for_each = local.permissions

  name   = each.key
  role   = aws_iam_role.grafana.id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}
