# The role is ours: what the console would attach by itself, the API does not.
resource "aws_iam_role" "grafana" {
  name = "${var.name}-grafana"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "grafana.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        StringLike   = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:grafana:${var.region}:${data.aws_caller_identity.current.account_id}:/workspaces/*" }
      }
    }]
  })
}

resource "aws_grafana_workspace" "this" {
  name                      = var.name
  description               = "Metrics, traces and logs of ${data.terraform_remote_state.observability.outputs.cluster_name}"
  grafana_version           = var.grafana_version
  account_access_type       = "CURRENT_ACCOUNT"
  authentication_providers  = ["AWS_SSO"]
  permission_type           = "CUSTOMER_MANAGED"
  role_arn                  = aws_iam_role.grafana.arn
  data_sources              = ["PROMETHEUS", "XRAY", "CLOUDWATCH"]
  notification_destinations = data.terraform_remote_state.observability.outputs.alerts_topic_arn == "" ? [] : ["SNS"]

  configuration = jsonencode({
    # The script installs the plug-ins of its data sources.
    plugins         = { pluginAdminEnabled = true }
    unifiedAlerting = { enabled = true }
  })

  dynamic "network_access_control" {
    for_each = var.network == null ? [] : [var.network]

    content {
      prefix_list_ids = network_access_control.value.prefix_list_ids
      vpce_ids        = network_access_control.value.vpce_ids
    }
  }

  depends_on = [aws_iam_role_policy.grafana]
}

# ---- people ----------------------------------------------------------------------------------------

data "aws_ssoadmin_instances" "this" {
  count = length(var.admins) > 0 ? 1 : 0
}

data "aws_identitystore_user" "admin" {
  for_each = toset(var.admins)

  identity_store_id = one(data.aws_ssoadmin_instances.this[0].identity_store_ids)

  alternate_identifier {
    unique_attribute {
      attribute_path  = "UserName"
      attribute_value = each.key
    }
  }
}

resource "aws_grafana_role_association" "admin" {
  count = length(var.admins) > 0 ? 1 : 0

  role         = "ADMIN"
  user_ids     = [for user in data.aws_identitystore_user.admin : user.user_id]
  workspace_id = aws_grafana_workspace.this.id
}

# ---- the provisioning script -------------------------------------------------------------------------

resource "aws_grafana_workspace_service_account" "provision" {
  count = var.token_seconds > 0 ? 1 : 0

  name         = "provision"
  grafana_role = "ADMIN"
  workspace_id = aws_grafana_workspace.this.id
}

# It is in the state, so it lives shortly; `terraform apply -replace` makes another.
resource "aws_grafana_workspace_service_account_token" "provision" {
  count = var.token_seconds > 0 ? 1 : 0

  name               = "provision"
  service_account_id = aws_grafana_workspace_service_account.provision[0].service_account_id
  seconds_to_live    = var.token_seconds
  workspace_id       = aws_grafana_workspace.this.id
}
