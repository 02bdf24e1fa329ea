locals {
  issuer = trimprefix(local.cluster.oidc_issuer, "https://")

  trust = {
    pod-identity = {
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { Service = "pods.eks.amazonaws.com" }
    }
    irsa = {
      Effect    = "Allow"
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Principal = { Federated = one(aws_iam_openid_connect_provider.cluster[*].arn) }
      # Both, or any ServiceAccount of the cluster could take the role.
      Condition = {
        StringEquals = {
          "${local.issuer}:sub" = "system:serviceaccount:${var.namespace}:${var.service_account}"
          "${local.issuer}:aud" = "sts.amazonaws.com"
        }
      }
    }
  }
}

resource "aws_iam_openid_connect_provider" "cluster" {
  count = var.identity == "irsa" ? 1 : 0

  url            = local.cluster.oidc_issuer
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "xray_daemon" {
  name = "x-ray-daemon-role"
  # As text: the two have not the same shape.
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [jsondecode(var.identity == "irsa" ? jsonencode(local.trust.irsa) : jsonencode(local.trust.pod-identity))] })
}

resource "aws_iam_role_policy_attachment" "xray_daemon" {
  role       = aws_iam_role.xray_daemon.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"
}

resource "aws_eks_pod_identity_association" "xray_daemon" {
  count = var.identity == "pod-identity" ? 1 : 0

  cluster_name    = local.cluster.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.xray_daemon.arn
}
