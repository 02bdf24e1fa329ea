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

variable "name" {
  description = "Name of the workspace, and prefix of its role."
  type        = string
  default     = "xray-workshop"
}

variable "grafana_version" {
  description = "Version of Grafana."
  type        = string
  default     = "12.4"
}

variable "admins" {
  description = "User names in IAM Identity Center that become Admin. Each active one is billed."
  type        = list(string)
  default     = []
}

variable "token_seconds" {
  description = "How long the token of the provisioning script lives. 0: no service account and no token; the guide says how to make one by hand."
  type        = number
  default     = 3600

  validation {
    condition     = var.token_seconds == 0 || (var.token_seconds >= 60 && var.token_seconds <= 2592000)
    error_message = "A token lives for a minute to 30 days (2592000 s); 0 makes none."
  }
}

variable "network" {
  description = "Who may open Grafana: nobody says no, so null is open access behind its login. Or prefix lists and VPC endpoints."
  type        = object({ prefix_list_ids = list(string), vpce_ids = list(string) })
  default     = null
}
