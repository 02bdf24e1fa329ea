# What the cluster's stack says of itself.
data "terraform_remote_state" "cluster" {
  backend = var.state.backend
  config = merge(var.state.config, var.state.backend == "local" ?
    tomap({ path = "${path.module}/../10-cluster/terraform.tfstate" }) :
  tomap({ key = "10-cluster/terraform.tfstate" }))
}

locals {
  cluster = data.terraform_remote_state.cluster.outputs
}

data "aws_partition" "current" {}
