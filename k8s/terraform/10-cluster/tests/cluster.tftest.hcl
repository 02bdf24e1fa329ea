mock_provider "aws" {
  mock_data "aws_eks_addon_version" {
    defaults = { version = "v1.2.3-eksbuild.1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"] }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
  }
  mock_resource "aws_eks_cluster" {
    defaults = {
      arn      = "arn:aws:eks:us-east-1:111122223333:cluster/eks-cluster-with-vpc"
      identity = [{ oidc = [{ issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF" }] }]
    }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
  }
}

variables {
  admin_cidrs = ["203.0.113.7/32"]
}

run "defaults" {
  assert {
    condition     = aws_eks_cluster.this.name == "eks-cluster-with-vpc" && aws_eks_cluster.this.version == "1.36"
    error_message = "name and version are the guide's"
  }
  assert {
    condition     = aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD"
    error_message = "a cluster must not slip into extended support"
  }
  assert {
    condition     = toset(aws_eks_cluster.this.vpc_config[0].public_access_cidrs) == toset(["203.0.113.7/32"])
    error_message = "the API is open to nobody but the admins"
  }
  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API"
    error_message = "access entries, no aws-auth"
  }
  assert {
    condition     = toset(keys(aws_eks_addon.before_nodes)) == toset(["vpc-cni", "kube-proxy", "eks-pod-identity-agent"])
    error_message = "without them nodes never become ready"
  }
  assert {
    condition     = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values).enableNetworkPolicy == "true"
    error_message = "the charts' network policies need it"
  }
  assert {
    condition     = jsondecode(aws_eks_addon.ebs.configuration_values).defaultStorageClass.enabled
    error_message = "claims need a default class"
  }
  assert {
    condition     = one(aws_eks_addon.ebs.pod_identity_association).service_account == "ebs-csi-controller-sa"
    error_message = "the driver's role comes by Pod Identity"
  }
  assert {
    condition     = aws_launch_template.node.metadata_options[0].http_put_response_hop_limit == 1 && aws_launch_template.node.metadata_options[0].http_tokens == "required"
    error_message = "pods must not reach the node's role"
  }
  assert {
    condition     = keys(aws_eks_node_group.this) == ["workers"] && aws_eks_node_group.this["workers"].ami_type == "AL2023_x86_64_STANDARD"
    error_message = "one group of workers"
  }
  assert {
    condition     = toset(aws_eks_node_group.this["workers"].instance_types) == toset(["t3.xlarge"]) && aws_eks_node_group.this["workers"].scaling_config[0].desired_size == 3
    error_message = "three t3.xlarge"
  }
  assert {
    condition     = toset(keys(aws_iam_role_policy_attachment.node)) == toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"])
    error_message = "nothing that pods want is on the node's role"
  }
  assert {
    condition     = [for subnet in concat(aws_subnet.public, aws_subnet.private) : subnet.cidr_block] == ["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20", "10.0.128.0/20", "10.0.144.0/20", "10.0.160.0/20"]
    error_message = "subnets do not overlap"
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.tags["kubernetes.io/role/elb"] == "1"]) && alltrue([for subnet in aws_subnet.private : subnet.tags["kubernetes.io/role/internal-elb"] == "1"])
    error_message = "controllers find subnets by these tags"
  }
  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE"]) && toset(keys(output.repositories)) == toset(["xray-daemon", "demo-app"])
    error_message = "two repositories whose tags stay"
  }
  assert {
    condition     = length(aws_budgets_budget.this) == 0 && length(aws_cloudwatch_log_group.control_plane) == 0
    error_message = "budget and control-plane logs are asked for"
  }
  assert {
    condition     = output.configure_kubectl == "aws eks update-kubeconfig --name eks-cluster-with-vpc --region us-east-1"
    error_message = "the guide quotes this"
  }
}

run "spot_keeps_one_node_that_stays" {
  variables {
    capacity_type = "SPOT"
    nodes         = { min = 1, desired = 2, max = 4 }
  }

  assert {
    condition     = { for name, group in aws_eks_node_group.this : name => group.capacity_type } == { base = "ON_DEMAND", workers = "SPOT" }
    error_message = "a base beside the Spot workers"
  }
  assert {
    condition     = length(aws_eks_node_group.this["workers"].instance_types) == 4
    error_message = "four types to choose from"
  }
}

run "arm64" {
  variables {
    architecture = "arm64"
  }

  assert {
    condition     = aws_eks_node_group.this["workers"].ami_type == "AL2023_ARM_64_STANDARD" && one(aws_eks_node_group.this["workers"].instance_types) == "t4g.xlarge"
    error_message = "image and type of one architecture"
  }
}

run "logs_and_budget" {
  variables {
    control_plane_logs = ["audit"]
    budget_email       = "me@example.com"
    zones              = 2
  }

  assert {
    condition     = aws_cloudwatch_log_group.control_plane[0].name == "/aws/eks/eks-cluster-with-vpc/cluster" && aws_cloudwatch_log_group.control_plane[0].retention_in_days == 7
    error_message = "the group that EKS writes to, with an end"
  }
  assert {
    condition     = toset([for notice in aws_budgets_budget.this[0].notification : notice.threshold]) == toset([50, 80, 100])
    error_message = "three mails"
  }
  assert {
    condition     = length(aws_subnet.private) == 2
    error_message = "two zones"
  }
}

run "refuses_a_version_that_costs_six_times_as_much" {
  command = plan

  variables {
    eks_version = "1.28"
  }

  expect_failures = [var.eks_version]
}

run "refuses_an_api_for_nobody" {
  command = plan

  variables {
    admin_cidrs = []
  }

  expect_failures = [var.admin_cidrs]
}

run "refuses_nodes_in_the_wrong_order" {
  command = plan

  variables {
    nodes = { min = 3, desired = 2, max = 3 }
  }

  expect_failures = [var.nodes]
}
