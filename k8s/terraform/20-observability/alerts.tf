resource "aws_sns_topic" "alerts" {
  count = var.alert_email == "" ? 0 : 1

  name = "${local.cluster.cluster_name}-alerts"
}

resource "aws_sns_topic_subscription" "alerts" {
  count = var.alert_email == "" ? 0 : 1

  topic_arn = aws_sns_topic.alerts[0].arn
  protocol  = "email"
  endpoint  = var.alert_email
}

# AMP may publish, for this workspace alone.
resource "aws_sns_topic_policy" "alerts" {
  count = var.alert_email == "" ? 0 : 1

  arn = aws_sns_topic.alerts[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AmpPublishes"
      Effect    = "Allow"
      Action    = ["sns:Publish", "sns:GetTopicAttributes"]
      Principal = { Service = "aps.amazonaws.com" }
      Resource  = aws_sns_topic.alerts[0].arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = aws_prometheus_workspace.this.arn }
        StringEquals = { "AWS:SourceAccount" = data.aws_caller_identity.current.account_id }
      }
    }]
  })
}

resource "aws_prometheus_alert_manager_definition" "this" {
  count = var.alert_email == "" ? 0 : 1

  workspace_id = aws_prometheus_workspace.this.id
  definition = yamlencode({
    alertmanager_config = yamlencode({
      route = {
        receiver = "email"
        group_by = ["alertname", "cluster"]
      }
      receivers = [{
        name = "email"
        sns_configs = [{
          topic_arn     = aws_sns_topic.alerts[0].arn
          sigv4         = { region = var.region }
          send_resolved = true
        }]
      }]
    })
  })

  depends_on = [aws_sns_topic_policy.alerts]
}
