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

variable "collector" {
  description = "managed: AMP's own collector, nothing to run. helm: Prometheus in the cluster, by its chart, with remote write."
  type        = string
  default     = "managed"

  validation {
    condition     = contains(["managed", "helm"], var.collector)
    error_message = "A collector is managed or helm."
  }
}

variable "container_insights" {
  description = "otel: Prometheus names, PromQL, billed by GB. classic: the older pages of CloudWatch, billed by observation. none: logs alone."
  type        = string
  default     = "otel"

  validation {
    condition     = contains(["otel", "classic", "none"], var.container_insights)
    error_message = "Container Insights is otel, classic or none."
  }
}

variable "scrape_interval" {
  description = "How often metrics are collected. Twice as often costs twice as much."
  type        = string
  default     = "30s"
}

variable "metrics_retention_days" {
  description = "How long AMP keeps metrics."
  type        = number
  default     = 15
}

variable "log_retention_days" {
  description = "How long logs of containers, nodes and AMP are kept: a value that CloudWatch knows."
  type        = number
  default     = 7

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}

variable "alert_email" {
  description = "Whom alerts mail, by SNS. Empty: alerts show in Grafana alone."
  type        = string
  default     = ""
}
