output "role_arn" {
  description = "Role of the daemon."
  value       = aws_iam_role.xray_daemon.arn
}

output "xray_daemon_values" {
  description = "Values for the chart xray-daemon: terraform output -raw xray_daemon_values"
  value = yamlencode(merge(
    {
      region = var.region
      image  = { repository = local.cluster.repositories["xray-daemon"] }
      # AMP's collector comes from addresses of the VPC, not from a pod.
      networkPolicy = { metricsFrom = [{ ipBlock = { cidr = local.cluster.vpc_cidr } }] }
    },
    { serviceAccount = merge(
      { name = var.service_account },
      var.identity == "irsa" ? { annotations = { "eks.amazonaws.com/role-arn" = aws_iam_role.xray_daemon.arn } } : {},
    ) },
  ))
}

output "workshop_values" {
  description = "Values for the chart workshop: terraform output -raw workshop_values"
  value = yamlencode({
    image = { repository = local.cluster.repositories["demo-app"] }
    xray = {
      daemonAddress = "xray-service.${var.namespace}:2000"
      metricsUrl    = "http://xray-daemon-metrics.${var.namespace}:2001/metrics"
    }
  })
}
