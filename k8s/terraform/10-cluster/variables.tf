variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-east-1"
}

variable "project" {
  description = "Tag Project of everything, for the bill."
  type        = string
  default     = "xray-workshop"
}

variable "tags" {
  description = "Further tags of everything."
  type        = map(string)
  default     = {}
}

variable "cluster_name" {
  description = "Name of the cluster, and prefix of what belongs to it."
  type        = string
  default     = "eks-cluster-with-vpc"

  validation {
    condition     = can(regex("^[a-zA-Z][-a-zA-Z0-9]{0,24}$", var.cluster_name))
    error_message = "A cluster's name is 1 to 25 letters, digits and dashes, a letter first."
  }
}

variable "eks_version" {
  description = "Kubernetes version. Default: the newest in standard support that was checked."
  type        = string
  default     = "1.36"

  validation {
    condition     = can(regex("^1\\.(3[5-9]|[4-9][0-9])$", var.eks_version))
    error_message = "Versions before 1.35 are in extended support or about to be, at six times the price; take 1.35 or newer."
  }
}

variable "admin_cidrs" {
  description = "Addresses that may reach the Kubernetes API, for example [\"203.0.113.7/32\"]."
  type        = list(string)

  validation {
    condition     = length(var.admin_cidrs) > 0 && alltrue([for cidr in var.admin_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Give at least one address in CIDR notation: curl -s https://checkip.amazonaws.com shows yours, /32 follows it."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC; a /16 gives subnets of /20."
  type        = string
  default     = "10.0.0.0/16"
}

variable "zones" {
  description = "Availability zones, 2 or 3."
  type        = number
  default     = 3

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "A cluster needs 2 zones; more than 3 give nothing here."
  }
}

variable "architecture" {
  description = "amd64 or arm64. Images are built for the same."
  type        = string
  default     = "amd64"

  validation {
    condition     = contains(["amd64", "arm64"], var.architecture)
    error_message = "An architecture is amd64 or arm64."
  }
}

variable "instance_types" {
  description = "Instance types of the workers. Empty: xlarge ones, one for On-Demand, four for Spot."
  type        = list(string)
  default     = []
}

variable "capacity_type" {
  description = "ON_DEMAND or SPOT. With SPOT one On-Demand node stays for what must not be moved."
  type        = string
  default     = "ON_DEMAND"

  validation {
    condition     = contains(["ON_DEMAND", "SPOT"], var.capacity_type)
    error_message = "A capacity type is ON_DEMAND or SPOT."
  }
}

variable "nodes" {
  description = "Number of workers."
  type        = object({ min = number, desired = number, max = number })
  default     = { min = 2, desired = 3, max = 3 }

  validation {
    condition     = 1 <= var.nodes.min && var.nodes.min <= var.nodes.desired && var.nodes.desired <= var.nodes.max
    error_message = "Of workers there are at least 1, and min <= desired <= max."
  }
}

variable "control_plane_logs" {
  description = "Logs of the control plane: api, audit, authenticator, controllerManager, scheduler. None by default; CloudWatch bills them by GB."
  type        = list(string)
  default     = []
}

variable "log_retention_days" {
  description = "How long logs of the control plane are kept."
  type        = number
  default     = 7
}

variable "budget_usd" {
  description = "Monthly budget of the account in USD, which mails at 50, 80 and 100 %."
  type        = number
  default     = 100
}

variable "budget_email" {
  description = "Whom the budget mails. Empty: no budget."
  type        = string
  default     = ""
}
