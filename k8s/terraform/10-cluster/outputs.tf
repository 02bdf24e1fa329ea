output "region" {
  description = "Where everything is."
  value       = var.region
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_eks_cluster.this.arn
}

output "eks_version" {
  description = "Kubernetes version of the cluster."
  value       = var.eks_version
}

output "oidc_issuer" {
  description = "URL that tokens of the cluster name as their issuer, for IRSA."
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
}

output "cluster_security_group_id" {
  description = "Security group of control plane and nodes."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "vpc_cidr" {
  description = "Addresses of the VPC."
  value       = var.vpc_cidr
}

output "private_subnet_ids" {
  description = "Subnets of the nodes."
  value       = aws_subnet.private[*].id
}

output "repositories" {
  description = "URLs of the image repositories, by image."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "configure_kubectl" {
  description = "Command that points kubectl at the cluster."
  value       = "aws eks update-kubeconfig --name ${aws_eks_cluster.this.name} --region ${var.region}"
}
