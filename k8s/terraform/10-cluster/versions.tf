# State stays in this folder unless backend.tf says otherwise; ../backend.tf.example is one.
terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Both majors: every line is checked against 5.100 and against the newest 6.
      version = ">= 5.100, < 7"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ Project = var.project, Stack = "10-cluster" }, var.tags)
  }
}
