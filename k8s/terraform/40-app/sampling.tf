# Central sampling rules, as the demo's own local ones: what a person does is always traced, probes and
# scrapes never, of the rest the first request of each second and a share of the others.

locals {
  never = {
    health  = "*/ping"
    metrics = "/metrics"
  }

  # A rule has one pattern for the method, and none takes these three without GET.
  actions = {
    POST   = { name = "workshop-actions", priority = 100 }
    PUT    = { name = "workshop-actions-put", priority = 101 }
    DELETE = { name = "workshop-actions-delete", priority = 102 }
  }

  services = ["Frontend", "Product-Catalog", "Product-Detail", "Product-Detail-V2"]
}

resource "aws_xray_sampling_rule" "never" {
  for_each = local.never

  rule_name      = "workshop-${each.key}"
  priority       = each.key == "health" ? 10 : 11
  version        = 1
  reservoir_size = 0
  fixed_rate     = 0
  url_path       = each.value
  http_method    = "GET"
  host           = "*"
  service_name   = "*"
  service_type   = "*"
  resource_arn   = "*"
}

resource "aws_xray_sampling_rule" "actions" {
  for_each = local.actions

  rule_name      = each.value.name
  priority       = each.value.priority
  version        = 1
  reservoir_size = 0
  fixed_rate     = 1
  url_path       = "/products*"
  http_method    = each.key
  host           = "*"
  service_name   = "*"
  service_type   = "*"
  resource_arn   = "*"
}

# Not the account's Default, which other applications go by.
resource "aws_xray_sampling_rule" "rest" {
  for_each = toset(local.services)

  rule_name      = "workshop-${lower(each.key)}"
  priority       = 1000 + index(local.services, each.key)
  version        = 1
  reservoir_size = 1
  fixed_rate     = var.fixed_rate
  url_path       = "*"
  http_method    = "*"
  host           = "*"
  service_name   = each.key
  service_type   = "*"
  resource_arn   = "*"
}

resource "aws_xray_group" "workshop" {
  group_name        = "workshop"
  filter_expression = join(" OR ", [for name in local.services : "service(\"${name}\")"])

  insights_configuration {
    insights_enabled      = false
    notifications_enabled = false
  }
}
