# What the stack of the metrics says of itself.
data "terraform_remote_state" "observability" {
  backend = var.state.backend
  config = merge(var.state.config, var.state.backend == "local" ?
    tomap({ path = "${path.module}/../20-observability/terraform.tfstate" }) :
  tomap({ key = "20-observability/terraform.tfstate" }))
}

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}
