locals {
  ami_type = { amd64 = "AL2023_x86_64_STANDARD", arm64 = "AL2023_ARM_64_STANDARD" }[var.architecture]

  # Spot is interrupted less often the more types may serve.
  default_types = {
    amd64 = { ON_DEMAND = ["t3.xlarge"], SPOT = ["t3.xlarge", "t3a.xlarge", "m5.xlarge", "m6i.xlarge"] }
    arm64 = { ON_DEMAND = ["t4g.xlarge"], SPOT = ["t4g.xlarge", "m6g.xlarge", "m7g.xlarge", "c7g.xlarge"] }
  }[var.architecture]

  workers = {
    workers = {
      capacity_type  = var.capacity_type
      instance_types = length(var.instance_types) > 0 ? var.instance_types : local.default_types[var.capacity_type]
      nodes          = var.nodes
    }
  }

  base = {
    base = {
      capacity_type  = "ON_DEMAND"
      instance_types = local.default_types.ON_DEMAND
      nodes          = { min = 1, desired = 1, max = 1 }
    }
  }

  # Nothing but Spot could lose Prometheus and its last samples in one interruption.
  node_groups = merge(local.workers, var.capacity_type == "SPOT" ? local.base : {})
}

# What the node itself needs, and nothing that a pod wants: pods have their own roles.
resource "aws_iam_role" "node" {
  name = "${var.cluster_name}-node"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"])

  role       = aws_iam_role.node.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/${each.key}"
}

resource "aws_launch_template" "node" {
  name_prefix = "${var.cluster_name}-"

  metadata_options {
    http_tokens = "required"
    # One hop: a pod cannot take the node's role.
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 50
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume", "network-interface"]

    content {
      resource_type = tag_specifications.value
      tags          = merge({ Name = var.cluster_name, Project = var.project }, var.tags)
    }
  }
}

resource "aws_eks_node_group" "this" {
  for_each = local.node_groups

  cluster_name    = aws_eks_cluster.this.name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = aws_subnet.private[*].id
  ami_type        = local.ami_type
  instance_types  = each.value.instance_types
  capacity_type   = each.value.capacity_type

  scaling_config {
    min_size     = each.value.nodes.min
    desired_size = each.value.nodes.desired
    max_size     = each.value.nodes.max
  }

  update_config {
    max_unavailable = 1
  }

  launch_template {
    id      = aws_launch_template.node.id
    version = aws_launch_template.node.latest_version
  }

  # Without network and proxy a node never becomes ready.
  depends_on = [
    aws_iam_role_policy_attachment.node,
    aws_route.private,
    aws_eks_addon.before_nodes,
  ]
}
