output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Subnets with a route to the internet."
  value       = aws_subnet.public[*].id
}

output "private_subnet_ids" {
  description = "Subnets without one."
  value       = aws_subnet.private[*].id
}

output "public_cidrs" {
  description = "Address ranges of the public subnets."
  value       = aws_subnet.public[*].cidr_block
}

output "private_cidrs" {
  description = "Address ranges of the private subnets."
  value       = aws_subnet.private[*].cidr_block
}

output "web_security_group_id" {
  description = "Security group of the web servers."
  value       = aws_security_group.web.id
}

output "database_security_group_id" {
  description = "Security group of the database."
  value       = aws_security_group.database.id
}

output "replication_security_group_id" {
  description = "Security group of the replication instance."
  value       = aws_security_group.replication.id
}
