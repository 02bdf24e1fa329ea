# managed: a collector outside the cluster, over network interfaces in the nodes' subnets. EKS gives it
# access by itself, since the cluster authenticates by access entries.
resource "aws_prometheus_scraper" "this" {
  count = var.collector == "managed" ? 1 : 0

  alias = local.cluster.cluster_name
  scrape_configuration = templatefile("${path.module}/scrape.yaml.tftpl", {
    cluster  = local.cluster.cluster_name
    interval = var.scrape_interval
  })

  source {
    eks {
      cluster_arn        = local.cluster.cluster_arn
      subnet_ids         = local.cluster.private_subnet_ids
      security_group_ids = [local.cluster.cluster_security_group_id]
    }
  }

  destination {
    amp {
      workspace_arn = aws_prometheus_workspace.this.arn
    }
  }
}

# What a collector outside cannot know by itself. The chart of Prometheus brings both.
resource "aws_eks_addon" "exporters" {
  for_each = var.collector == "managed" ? toset(["kube-state-metrics", "prometheus-node-exporter"]) : toset([])

  cluster_name                = local.cluster.cluster_name
  addon_name                  = each.key
  addon_version               = data.aws_eks_addon_version.this[each.key].version
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

# helm: Prometheus writes with this role, and can do nothing else with it.
resource "aws_iam_role" "amp_ingest" {
  count = var.collector == "helm" ? 1 : 0

  name = "amp-iamproxy-ingest-role"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { Service = "pods.eks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "amp_ingest" {
  count = var.collector == "helm" ? 1 : 0

  name = "remote-write"
  role = aws_iam_role.amp_ingest[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "RemoteWrite"
      Effect   = "Allow"
      Action   = "aps:RemoteWrite"
      Resource = aws_prometheus_workspace.this.arn
    }]
  })
}

resource "aws_eks_pod_identity_association" "amp_ingest" {
  count = var.collector == "helm" ? 1 : 0

  cluster_name    = local.cluster.cluster_name
  namespace       = "prometheus"
  service_account = "amp-iamproxy-ingest-service-account"
  role_arn        = aws_iam_role.amp_ingest[0].arn
}
