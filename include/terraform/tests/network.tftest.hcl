# The rules of the network, on what Terraform would make; nothing is asked of AWS.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = {
      names = ["ap-northeast-2c", "ap-northeast-2a", "ap-northeast-2b"]
    }
  }

  mock_data "aws_region" {
    defaults = {
      name = "ap-northeast-2"
    }
  }
}

variables {
  name                = "listings"
  cidr                = "10.60.0.0/16"
  idc_cidrs           = ["10.20.0.0/16"]
  admin_cidrs         = ["198.51.100.0/24"]
  vpn_gateway_id      = "vgw-0123456789abcdef0"
  database_port       = 3306
  replication_enabled = true
  private_replication = true
}

run "private" {
  module {
    source = "./modules/network"
  }

  assert {
    condition     = aws_vpc_endpoint.secrets[0].private_dns_enabled && aws_vpc_security_group_ingress_rule.endpoint[0].cidr_ipv4 == aws_vpc.this.cidr_block
    error_message = "Private DNS leads the whole VPC to the endpoint, so its group must admit the whole VPC."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoint[0].from_port == 443 && aws_vpc_security_group_ingress_rule.endpoint[0].security_group_id == aws_security_group.endpoint[0].id
    error_message = "HTTPS reaches Secrets Manager."
  }

  assert {
    condition     = toset(aws_vpc_endpoint.s3.route_table_ids) == toset([aws_route_table.public.id, aws_route_table.private.id])
    error_message = "Web servers and a private replication instance reach S3: both route tables know the endpoint."
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && endswith(aws_vpc_endpoint.s3.service_name, ".s3")
    error_message = "The endpoint of S3 is the free one."
  }

  assert {
    condition     = anytrue([for f in data.aws_availability_zones.this.filter : f.name == "opt-in-status" && f.values == toset(["opt-in-not-required"])])
    error_message = "Local Zones sort first, and know neither Multi-AZ nor DMS."
  }

  assert {
    condition     = join(",", aws_subnet.private[*].availability_zone) == "ap-northeast-2a,ap-northeast-2b"
    error_message = "Two zones, the same at every plan."
  }

  assert {
    condition     = toset(keys(aws_vpn_gateway_route_propagation.this)) == toset(["public", "private"])
    error_message = "Web servers and databases find the way back to the data centre."
  }

  assert {
    condition     = toset([for r in aws_vpc_security_group_ingress_rule.database_networks : r.cidr_ipv4]) == toset(["10.20.0.0/16", "198.51.100.0/24"])
    error_message = "The data centre's servers and the workers reach RDS."
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.database_groups)) == toset(["web", "replication"])
    error_message = "Web servers and DMS reach RDS."
  }
}

run "a_new_zone_replaces_no_subnet" {
  command = plan

  module {
    source = "./modules/network"
  }

  override_data {
    target = data.aws_availability_zones.this
    values = {
      names = ["ap-northeast-2c", "ap-northeast-20", "ap-northeast-2a"]
    }
  }

  assert {
    condition     = join(",", aws_subnet.private[*].availability_zone) == "ap-northeast-2a,ap-northeast-2b"
    error_message = "A zone that sorts first must not replace the subnets, and the database with them."
  }
}

run "routes_by_hand_survive" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    vpn_gateway_id = null
  }

  assert {
    condition     = aws_route.internet.destination_cidr_block == "0.0.0.0/0"
    error_message = "The route to the internet is a resource of its own."
  }

  assert {
    condition     = length(aws_vpn_gateway_attachment.this) == 0 && length(aws_vpn_gateway_route_propagation.this) == 0
    error_message = "Without a gateway in the spec nothing is attached."
  }
}

run "torn_down" {
  module {
    source = "./modules/network"
  }

  variables {
    replication_enabled = false
  }

  assert {
    condition     = length(aws_vpc_endpoint.secrets) == 0 && length(aws_security_group.endpoint) == 0
    error_message = "Without DMS the servers reach Secrets Manager over the internet, and nothing is paid for."
  }
}

run "public_path" {
  module {
    source = "./modules/network"
  }

  variables {
    private_replication = false
  }

  assert {
    condition     = length(aws_vpc_endpoint.secrets) == 0
    error_message = "A replication instance with a public address needs no endpoint."
  }
}
