output "zone_id" {
  description = "Id of the zone."
  value       = data.aws_route53_zone.this.zone_id
}

output "name_servers" {
  description = "Authoritative name servers of the zone."
  value       = data.aws_route53_zone.this.name_servers
}
