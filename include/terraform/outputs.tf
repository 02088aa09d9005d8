output "database_address" {
  description = "Host name or address of the new database."
  value       = module.database.address
}

output "database_port" {
  description = "Port of the new database."
  value       = module.database.port
}

output "database_identifier" {
  description = "RDS instance identifier."
  value       = module.database.identifier
}

output "database_arn" {
  description = "ARN of the RDS instance."
  value       = module.database.arn
}

output "web_servers" {
  description = "Web servers in the order of the spec: instance id, public address, name in the spec."
  value = [for i, server in module.web.servers : {
    instance_id = server.instance_id
    public_ip   = server.public_ip
    name        = try(var.web_server_names[i], "web${i + 1}")
  }]
}

output "replication_instance_arn" {
  description = "ARN of the DMS replication instance; empty when replication is torn down."
  value       = module.replication.instance_arn
}

output "replication_instance_identifier" {
  description = "Identifier of the DMS replication instance; empty when replication is torn down."
  value       = module.replication.instance_identifier
}

output "dms_secrets_role_arn" {
  description = "Role by which DMS reads the endpoints' secrets; empty when replication is torn down."
  value       = module.replication.secrets_role_arn
}

output "dms_assessment_role_arn" {
  description = "Role by which DMS writes its premigration assessments into the bucket; empty when replication is torn down."
  value       = module.replication.assessment_role_arn
}

output "application_secret_arn" {
  description = "Secret with the application's login to the new database."
  value       = module.database.secret_arn
}

output "zone_id" {
  description = "Id of the Route 53 zone; null when the zone is elsewhere."
  value       = one(module.dns[*].zone_id)
}

output "name_servers" {
  description = "Authoritative name servers of the Route 53 zone; null when the zone is elsewhere."
  value       = one(module.dns[*].name_servers)
}

output "idc_firewall" {
  description = "What the firewall of the IDC must allow."
  value = join("\n", concat(
    ["Inbound to the IDC database ${var.source_address}:${var.source_port}/tcp from"],
    local.public_path ? concat(
      formatlist("  %s/32 (web server)", module.web.servers[*].public_ip),
      formatlist("  %s/32 (DMS)", module.replication.public_addresses),
    ) : formatlist("  %s (VPC subnet)", concat(module.network.public_cidrs, module.network.private_cidrs)),
    ["Outbound from the IDC's web servers to the new database ${module.database.address}:${module.database.port}/tcp${local.public_path ? ", over TLS" : ", through the VPN"}."],
    [length(var.idc_cidrs) == 0 ? "idc_cidrs is empty: no server of the IDC may reach the new database yet." : "AWS admits these IDC networks: ${join(", ", var.idc_cidrs)}."],
  ))
}
