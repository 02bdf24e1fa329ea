mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_ssoadmin_instances" {
    defaults = { identity_store_ids = ["d-0123456789"] }
  }
  mock_data "aws_identitystore_user" {
    defaults = { user_id = "01234567-89ab-cdef-0123-456789abcdef" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/xray-workshop-grafana" }
  }
  mock_resource "aws_grafana_workspace" {
    defaults = { id = "g-0123456789", endpoint = "g-0123456789.grafana-workspace.us-east-1.amazonaws.com" }
  }
  mock_resource "aws_grafana_workspace_service_account" {
    defaults = { service_account_id = "1" }
  }
}

override_data {
  target = data.terraform_remote_state.observability
  values = {
    outputs = {
      cluster_name     = "eks-cluster-with-vpc"
      workspace_arn    = "arn:aws:aps:us-east-1:111122223333:workspace/ws-0123"
      workspace_url    = "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-0123/"
      alerts_topic_arn = ""
      log_group_arns   = ["arn:aws:logs:us-east-1:111122223333:log-group:/aws/containerinsights/eks-cluster-with-vpc/application"]
    }
  }
}

run "defaults" {
  assert {
    condition     = aws_grafana_workspace.this.authentication_providers == tolist(["AWS_SSO"]) && aws_grafana_workspace.this.grafana_version == "12.4"
    error_message = "people come by IAM Identity Center"
  }
  assert {
    condition     = aws_grafana_workspace.this.permission_type == "CUSTOMER_MANAGED" && aws_grafana_workspace.this.role_arn == "arn:aws:iam::111122223333:role/xray-workshop-grafana"
    error_message = "the role is ours, since the API attaches none"
  }
  assert {
    condition     = jsondecode(aws_grafana_workspace.this.configuration).plugins.pluginAdminEnabled
    error_message = "the script installs the plug-in for X-Ray"
  }
  assert {
    condition     = toset(keys(aws_iam_role_policy.grafana)) == toset(["metrics", "traces", "cloudwatch"])
    error_message = "three sources, three policies"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.grafana["metrics"].policy).Statement[1].Resource == ["arn:aws:aps:us-east-1:111122223333:workspace/ws-0123"]
    error_message = "queries of one workspace"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.grafana["cloudwatch"].policy).Statement[1].Resource == ["arn:aws:logs:us-east-1:111122223333:log-group:/aws/containerinsights/eks-cluster-with-vpc/application:*"]
    error_message = "logs of the cluster alone"
  }
  assert {
    condition     = jsondecode(aws_iam_role.grafana.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "111122223333"
    error_message = "nobody else's Grafana takes the role"
  }
  assert {
    condition     = aws_grafana_workspace_service_account_token.provision[0].seconds_to_live == 3600
    error_message = "a token for an hour"
  }
  assert {
    condition     = output.url == "https://g-0123456789.grafana-workspace.us-east-1.amazonaws.com"
    error_message = "the script's GRAFANA_URL"
  }
  assert {
    condition     = length(aws_grafana_role_association.admin) == 0 && length(aws_grafana_workspace.this.network_access_control) == 0
    error_message = "admins and network bounds are asked for"
  }
}

run "admins_alerts_and_a_closed_network" {
  variables {
    admins        = ["ana", "ben"]
    token_seconds = 0
    network       = { prefix_list_ids = ["pl-0123456789abcdef0"], vpce_ids = [] }
  }

  override_data {
    target = data.terraform_remote_state.observability
    values = {
      outputs = {
        cluster_name     = "eks-cluster-with-vpc"
        workspace_arn    = "arn:aws:aps:us-east-1:111122223333:workspace/ws-0123"
        workspace_url    = "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-0123/"
        alerts_topic_arn = "arn:aws:sns:us-east-1:111122223333:alerts"
        log_group_arns   = ["arn:aws:logs:us-east-1:111122223333:log-group:/aws/containerinsights/eks-cluster-with-vpc/application"]
      }
    }
  }

  assert {
    condition     = aws_grafana_role_association.admin[0].role == "ADMIN" && length(data.aws_identitystore_user.admin) == 2
    error_message = "two admins"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.grafana["alerts"].policy).Statement == [{ Sid = "PublishAlerts", Effect = "Allow", Action = ["sns:Publish"], Resource = ["arn:aws:sns:us-east-1:111122223333:alerts"] }]
    error_message = "alerts to one topic"
  }
  assert {
    condition     = aws_grafana_workspace.this.notification_destinations == tolist(["SNS"]) && length(aws_grafana_workspace.this.network_access_control) == 1
    error_message = "SNS, and a bounded network"
  }
  assert {
    condition     = length(aws_grafana_workspace_service_account_token.provision) == 0 && output.token == null
    error_message = "no token in the state"
  }
}

run "refuses_a_token_for_longer_than_grafana_allows" {
  command = plan

  variables {
    token_seconds = 2592001
  }

  expect_failures = [var.token_seconds]
}
