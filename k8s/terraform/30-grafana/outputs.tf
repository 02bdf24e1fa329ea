output "url" {
  description = "Where Grafana is: GRAFANA_URL of the provisioning script."
  value       = "https://${aws_grafana_workspace.this.endpoint}"
}

output "workspace_id" {
  description = "Id of the Grafana workspace."
  value       = aws_grafana_workspace.this.id
}

output "token" {
  description = "GRAFANA_TOKEN of the provisioning script; it lives shortly."
  value       = one(aws_grafana_workspace_service_account_token.provision[*].key)
  sensitive   = true
}

output "amp_url" {
  description = "AMP_URL of the provisioning script."
  value       = local.observability.workspace_url
}

output "region" {
  description = "AWS_REGION of the provisioning script."
  value       = var.region
}
