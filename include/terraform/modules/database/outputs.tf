output "address" {
  description = "Host name or address of the database."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port of the database."
  value       = aws_db_instance.this.port
}

output "identifier" {
  description = "RDS instance identifier."
  value       = aws_db_instance.this.identifier
}

output "arn" {
  description = "ARN of the RDS instance."
  value       = aws_db_instance.this.arn
}

output "secret_arn" {
  description = "Secret with the application's login."
  value       = aws_secretsmanager_secret.application.arn
}
