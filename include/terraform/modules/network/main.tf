# Local Zones and Wavelength Zones have to be opted into, sort first, and know neither RDS Multi-AZ nor DMS.
data "aws_availability_zones" "this" {
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

data "aws_region" "this" {}

locals {
  zones = slice(sort(data.aws_availability_zones.this.names), 0, 2)

  route_tables = {
    public  = aws_route_table.public.id
    private = aws_route_table.private.id
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

resource "aws_subnet" "public" {
  count = 2

  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(var.cidr, 8, count.index)
  availability_zone = local.zones[count.index]

  tags = { Name = "${var.name}-public-${count.index + 1}" }

  lifecycle {
    # A zone that AWS adds may sort first; another zone would replace the subnet and all that stands in it.
    ignore_changes = [availability_zone]
  }
}

resource "aws_subnet" "private" {
  count = 2

  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(var.cidr, 8, 10 + count.index)
  availability_zone = local.zones[count.index]

  tags = { Name = "${var.name}-private-${count.index + 1}" }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

# Routes and propagations are resources of their own: what was added to a table by hand (a transit gateway,
# a peering) survives an apply, which inline blocks would remove.
resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  count = 2

  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  count = 2

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

resource "aws_vpn_gateway_attachment" "this" {
  count = var.vpn_gateway_id == null ? 0 : 1

  vpc_id         = aws_vpc.this.id
  vpn_gateway_id = var.vpn_gateway_id
}

resource "aws_vpn_gateway_route_propagation" "this" {
  for_each = var.vpn_gateway_id == null ? {} : local.route_tables

  route_table_id = each.value
  vpn_gateway_id = aws_vpn_gateway_attachment.this[0].vpn_gateway_id
}

# Web servers ----------------------------------------------------------------------------------------

resource "aws_security_group" "web" {
  name        = "${var.name}-web"
  description = "Web servers"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-web" }
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  for_each = toset(["80", "443"])

  security_group_id = aws_security_group.web.id
  description       = "Users"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  for_each = toset(var.admin_cidrs)

  security_group_id = aws_security_group.web.id
  description       = "Administrators"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_vpc_security_group_egress_rule" "web" {
  security_group_id = aws_security_group.web.id
  description       = "Packages, AWS, both databases"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

# Database -------------------------------------------------------------------------------------------

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "MariaDB on RDS"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-database" }
}

resource "aws_vpc_security_group_ingress_rule" "database_groups" {
  for_each = {
    web         = aws_security_group.web.id
    replication = aws_security_group.replication.id
  }

  security_group_id            = aws_security_group.database.id
  description                  = "MariaDB from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port
}

# Both sites use one database at a time, so the IDC's servers come here after the switchover.
resource "aws_vpc_security_group_ingress_rule" "database_networks" {
  for_each = toset(concat(var.idc_cidrs, var.admin_cidrs))

  security_group_id = aws_security_group.database.id
  description       = "MariaDB from the IDC and from administrators"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = var.database_port
  to_port           = var.database_port
}

# Replication ----------------------------------------------------------------------------------------

resource "aws_security_group" "replication" {
  name        = "${var.name}-replication"
  description = "DMS replication instance"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-replication" }
}

resource "aws_vpc_security_group_egress_rule" "replication" {
  security_group_id = aws_security_group.replication.id
  description       = "Both databases and Secrets Manager"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_security_group" "endpoint" {
  count = var.replication_enabled && var.private_replication ? 1 : 0

  name        = "${var.name}-endpoint"
  description = "Secrets Manager inside the VPC"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-endpoint" }
}

# It answers for the service's name in the whole VPC (private DNS), so everybody in the VPC is let in: the web
# servers as well as the replication instance that it is made for, and a worker or a bastion that you put here.
# Who may read a secret is IAM's business.
resource "aws_vpc_security_group_ingress_rule" "endpoint" {
  count = var.replication_enabled && var.private_replication ? 1 : 0

  security_group_id = aws_security_group.endpoint[0].id
  description       = "HTTPS from the VPC"
  cidr_ipv4         = aws_vpc.this.cidr_block
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# Without it a replication instance that has no public address cannot read its endpoints' secrets.
resource "aws_vpc_endpoint" "secrets" {
  count = var.replication_enabled && var.private_replication ? 1 : 0

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.this.name}.secretsmanager"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = [aws_security_group.endpoint[0].id]
  private_dns_enabled = true

  tags = { Name = "${var.name}-secrets" }
}

# Free, and for ever: without it the replication instance's assessments do not reach the bucket, and the web
# servers fetch their releases over the internet.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.this.name}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = values(local.route_tables)

  tags = { Name = "${var.name}-s3" }
}
