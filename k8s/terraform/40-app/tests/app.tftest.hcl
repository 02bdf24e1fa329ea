mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/x-ray-daemon-role" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF" }
  }
}

override_data {
  target = data.terraform_remote_state.cluster
  values = {
    outputs = {
      cluster_name = "eks-cluster-with-vpc"
      oidc_issuer  = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
      vpc_cidr     = "10.0.0.0/16"
      repositories = {
        xray-daemon = "111122223333.dkr.ecr.us-east-1.amazonaws.com/xray-daemon"
        demo-app    = "111122223333.dkr.ecr.us-east-1.amazonaws.com/demo-app"
      }
    }
  }
}

run "pod_identity" {
  assert {
    condition     = aws_iam_role.xray_daemon.name == "x-ray-daemon-role" && aws_iam_role_policy_attachment.xray_daemon.policy_arn == "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
    error_message = "the blog's role"
  }
  assert {
    condition     = aws_eks_pod_identity_association.xray_daemon[0].namespace == "xray" && aws_eks_pod_identity_association.xray_daemon[0].service_account == "xray-daemon"
    error_message = "the chart's ServiceAccount"
  }
  assert {
    condition     = jsondecode(aws_iam_role.xray_daemon.assume_role_policy).Statement == [{ Effect = "Allow", Action = ["sts:AssumeRole", "sts:TagSession"], Principal = { Service = "pods.eks.amazonaws.com" } }]
    error_message = "Pod Identity needs both actions"
  }
  assert {
    condition     = length(aws_iam_openid_connect_provider.cluster) == 0
    error_message = "no provider without IRSA"
  }
  assert {
    condition     = yamldecode(output.xray_daemon_values).image.repository == "111122223333.dkr.ecr.us-east-1.amazonaws.com/xray-daemon" && !can(yamldecode(output.xray_daemon_values).serviceAccount.annotations)
    error_message = "values for the chart"
  }
  assert {
    condition     = yamldecode(output.workshop_values).xray.daemonAddress == "xray-service.xray:2000"
    error_message = "the demo finds the daemon"
  }
}

run "sampling" {
  assert {
    condition     = alltrue([for rule in aws_xray_sampling_rule.never : rule.fixed_rate == 0 && rule.reservoir_size == 0]) && toset([for rule in aws_xray_sampling_rule.never : rule.url_path]) == toset(["*/ping", "/metrics"])
    error_message = "probes and scrapes cost nothing"
  }
  assert {
    condition     = { for rule in aws_xray_sampling_rule.actions : rule.rule_name => rule.http_method } == { workshop-actions = "POST", workshop-actions-put = "PUT", workshop-actions-delete = "DELETE" }
    error_message = "the demo's own rules, by their names"
  }
  assert {
    condition     = alltrue([for rule in aws_xray_sampling_rule.actions : rule.fixed_rate == 1 && rule.url_path == "/products*"]) && aws_xray_sampling_rule.actions["POST"].priority == 100
    error_message = "what a person does is always traced"
  }
  assert {
    condition     = max([for rule in aws_xray_sampling_rule.never : rule.priority]...) < min([for rule in aws_xray_sampling_rule.actions : rule.priority]...)
    error_message = "probes are left out before anything is let in"
  }
  assert {
    condition     = alltrue([for rule in aws_xray_sampling_rule.rest : rule.reservoir_size == 1 && rule.fixed_rate == 0.05])
    error_message = "one a second and 5 %"
  }
  assert {
    condition     = length(distinct(concat([for rule in aws_xray_sampling_rule.never : rule.priority], [for rule in aws_xray_sampling_rule.actions : rule.priority], [for rule in aws_xray_sampling_rule.rest : rule.priority]))) == 9
    error_message = "no two rules have one priority"
  }
  assert {
    condition     = aws_xray_group.workshop.filter_expression == "service(\"Frontend\") OR service(\"Product-Catalog\") OR service(\"Product-Detail\") OR service(\"Product-Detail-V2\")"
    error_message = "the group is the demo"
  }
}

run "irsa" {
  variables {
    identity        = "irsa"
    namespace       = "workshop"
    service_account = "workshop"
  }

  assert {
    condition     = jsondecode(aws_iam_role.xray_daemon.assume_role_policy).Statement[0].Condition.StringEquals == { "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:sub" = "system:serviceaccount:workshop:workshop", "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:aud" = "sts.amazonaws.com" }
    error_message = "one ServiceAccount, for STS"
  }
  assert {
    condition     = length(aws_eks_pod_identity_association.xray_daemon) == 0 && toset(aws_iam_openid_connect_provider.cluster[0].client_id_list) == toset(["sts.amazonaws.com"])
    error_message = "a provider in place of the association"
  }
  assert {
    condition     = yamldecode(output.xray_daemon_values).serviceAccount.annotations["eks.amazonaws.com/role-arn"] == "arn:aws:iam::111122223333:role/x-ray-daemon-role"
    error_message = "the annotation that EKS reads"
  }
}

run "refuses_a_rate_above_one" {
  command = plan

  variables {
    fixed_rate = 5
  }

  expect_failures = [var.fixed_rate]
}
