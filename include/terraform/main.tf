# What one migration needs on AWS. Database, web servers and replication instance do not wait for each
# other: each takes minutes. DNS records, DMS endpoints and DMS tasks belong to the DAG, not to Terraform.

locals {
  name = replace(var.service, "_", "-")

  tags = {
    Service   = var.service
    ManagedBy = "livemove"
  }

  # Over the internet the database must be reachable from the IDC, and the replication instance must reach it.
  public_path      = var.connectivity == "public_allow_list"
  database_subnets = local.public_path ? module.network.public_subnet_ids : module.network.private_subnet_ids
}

module "network" {
  source = "./modules/network"

  name                = local.name
  cidr                = var.vpc_cidr
  idc_cidrs           = var.idc_cidrs
  admin_cidrs         = var.admin_cidrs
  vpn_gateway_id      = var.vpn_gateway_id
  database_port       = var.database_port
  replication_enabled = var.replication_enabled
  private_replication = !local.public_path
}

module "web" {
  source = "./modules/web"

  name    = local.name
  service = var.service

  permissions_boundary = var.permissions_boundary

  servers            = var.web_servers
  instance_type      = var.instance_type
  subnet_ids         = module.network.public_subnet_ids
  security_group_ids = [module.network.web_security_group_id]
  ssh_public_key     = var.ssh_public_key
  user_data          = var.user_data
  bucket             = var.bucket
  release            = var.release
  secret_arn         = module.database.secret_arn
}

module "database" {
  source = "./modules/database"

  name                = local.name
  service             = var.service
  engine_version      = var.engine_version
  instance_class      = var.database_instance_class
  storage_gb          = var.database_storage_gb
  multi_az            = var.database_multi_az
  port                = var.database_port
  username            = var.database_username
  password            = var.database_password
  password_version    = var.password_version
  subnet_ids          = local.database_subnets
  security_group_ids  = [module.network.database_security_group_id]
  publicly_accessible = local.public_path
  parameters          = var.source_parameters
  require_tls         = var.database_require_tls
  backup_window       = var.backup_window
  maintenance_window  = var.maintenance_window
  deletion_protection = var.deletion_protection
  final_snapshot      = var.final_snapshot

  application_database = var.application_database
  application_username = var.application_username
  application_password = var.application_password
}

module "replication" {
  source = "./modules/replication"

  name    = local.name
  service = var.service
  bucket  = var.bucket

  permissions_boundary = var.permissions_boundary

  enabled             = var.replication_enabled
  roles               = var.dms_roles
  instance_class      = var.replication_instance_class
  storage_gb          = var.replication_storage_gb
  subnet_ids          = local.database_subnets
  security_group_ids  = [module.network.replication_security_group_id]
  publicly_accessible = local.public_path
  maintenance_window  = var.maintenance_window
}

module "dns" {
  source = "./modules/dns"
  count  = var.zone_name == "" ? 0 : 1

  zone_name = var.zone_name
}
