locals {
  # What replication in both directions and the switchover need, whatever the source has.
  required = {
    binlog_format                   = "ROW"
    binlog_row_image                = "full"
    binlog_checksum                 = "NONE"
    event_scheduler                 = "ON"
    log_bin_trust_function_creators = "1"
    sync_binlog                     = "1"
    innodb_flush_log_at_trx_commit  = "1"

    # DMS loads by LOAD DATA LOCAL, and a load or a large transaction may keep a connection waiting for minutes:
    # https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.MySQL.html
    # https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Troubleshooting.html#CHAP_Troubleshooting.MySQL
    local_infile      = "1"
    net_read_timeout  = "300"
    net_write_timeout = "300"

    require_secure_transport = var.require_tls ? "1" : "0"
  }

  taken_over = { for name, value in var.parameters : name => value if value != null }
  static     = ["lower_case_table_names"]
  family     = "mariadb${join(".", slice(split(".", var.engine_version), 0, 2))}"
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Subnets of ${var.service}"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = local.family
  description = "Replication, switchover, and the server variables of the source of ${var.service}"

  dynamic "parameter" {
    for_each = merge(local.taken_over, local.required)

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = contains(local.static, parameter.key) ? "pending-reboot" : "immediate"
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  identifier     = var.name
  engine         = "mariadb"
  engine_version = var.engine_version
  instance_class = var.instance_class
  multi_az       = var.multi_az

  storage_type      = "gp3"
  allocated_storage = var.storage_gb
  storage_encrypted = true

  username            = var.username
  password_wo         = var.password
  password_wo_version = var.password_version

  port                   = var.port
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = var.security_group_ids
  publicly_accessible    = var.publicly_accessible
  parameter_group_name   = aws_db_parameter_group.this.name

  # Binlogs exist on RDS only while automated backups are on.
  backup_retention_period    = 7
  backup_window              = var.backup_window
  maintenance_window         = var.maintenance_window
  auto_minor_version_upgrade = false
  copy_tags_to_snapshot      = true

  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.final_snapshot
  final_snapshot_identifier = "${var.name}-final"
}

# A fixed name would stay taken for the days in which a deleted secret can be restored.
resource "aws_secretsmanager_secret" "application" {
  name_prefix             = "${var.service}/application-"
  description             = "The application's login to the new database"
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "application" {
  secret_id = aws_secretsmanager_secret.application.id
  secret_string_wo = jsonencode({
    host     = aws_db_instance.this.address
    port     = aws_db_instance.this.port
    dbname   = var.application_database
    username = var.application_username
    password = var.application_password
  })
  secret_string_wo_version = var.password_version
}
