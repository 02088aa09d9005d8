output "instance_arn" {
  description = "ARN of the replication instance; empty when it is torn down."
  value       = try(aws_dms_replication_instance.this[0].replication_instance_arn, "")
}

output "instance_identifier" {
  description = "Identifier of the replication instance; empty when it is torn down."
  value       = try(aws_dms_replication_instance.this[0].replication_instance_id, "")
}

output "public_addresses" {
  description = "Public addresses of the replication instance."
  value       = var.publicly_accessible ? try(aws_dms_replication_instance.this[0].replication_instance_public_ips, []) : []
}

output "secrets_role_arn" {
  description = "Role by which DMS reads the endpoints' secrets; empty when it is torn down."
  value       = try(aws_iam_role.secrets[0].arn, "")
}

output "assessment_role_arn" {
  description = "Role by which DMS writes its premigration assessments into the bucket; empty when it is torn down."
  value       = try(aws_iam_role.assessment[0].arn, "")
}
