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

variable "state" {
  description = "Where the other stacks keep their state: backend, and its config without key or path."
  type        = object({ backend = string, config = optional(map(string), {}) })
  default     = { backend = "local" }
}

variable "identity" {
  description = "pod-identity: for nodes on EC2. irsa: for Fargate, and for clusters without the agent."
  type        = string
  default     = "pod-identity"

  validation {
    condition     = contains(["pod-identity", "irsa"], var.identity)
    error_message = "An identity is pod-identity or irsa."
  }
}

variable "namespace" {
  description = "Namespace of the daemon."
  type        = string
  default     = "xray"
}

variable "service_account" {
  description = "ServiceAccount of the daemon; with sidecars that of the application."
  type        = string
  default     = "xray-daemon"
}

variable "fixed_rate" {
  description = "Share of requests that is sampled beyond the first of each second, by default."
  type        = number
  default     = 0.05

  validation {
    condition     = var.fixed_rate >= 0 && var.fixed_rate <= 1
    error_message = "A rate is a share: 0 to 1."
  }
}
