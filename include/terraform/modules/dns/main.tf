# Read only: during a migration the records belong to the DAG, and an apply must never put one back.
data "aws_route53_zone" "this" {
  name         = var.zone_name
  private_zone = false
}
