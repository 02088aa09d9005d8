# What the modules promise one by one.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = {
      json = "{\"Version\": \"2012-10-17\", \"Statement\": []}"
    }
  }

  mock_data "aws_partition" {
    defaults = {
      partition = "aws"
    }
  }
}

run "what_dms_and_the_switchover_want_of_rds" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    name                 = "listings"
    service              = "listings"
    engine_version       = "10.11"
    instance_class       = "db.r6g.large"
    storage_gb           = 200
    multi_az             = true
    port                 = 3306
    username             = "admin"
    password             = "master-secret-1"
    password_version     = 1
    subnet_ids           = ["subnet-a", "subnet-b"]
    security_group_ids   = ["sg-a"]
    publicly_accessible  = false
    require_tls          = true
    parameters           = { time_zone = "Asia/Seoul", binlog_format = "MIXED", sql_mode = null }
    backup_window        = "16:00-16:30"
    maintenance_window   = "sun:14:00-sun:15:00"
    deletion_protection  = true
    final_snapshot       = true
    application_database = "listings"
    application_username = "listings_app"
    application_password = "app-secret-2"
  }

  assert {
    condition = alltrue([for name, value in {
      binlog_format            = "ROW"
      event_scheduler          = "ON"
      local_infile             = "1"
      require_secure_transport = "1"
      net_read_timeout         = "300"
      net_write_timeout        = "300"
      sync_binlog              = "1"
      time_zone                = "Asia/Seoul"
    } : anytrue([for p in aws_db_parameter_group.this.parameter : p.name == name && p.value == value])])
    error_message = "A parameter that replication or the switchover needs is missing, or the source's value has won."
  }

  assert {
    condition     = !anytrue([for p in aws_db_parameter_group.this.parameter : p.name == "sql_mode"])
    error_message = "What the source does not say is left to RDS."
  }

  assert {
    condition     = aws_db_instance.this.backup_retention_period > 0 && aws_db_instance.this.storage_encrypted && aws_db_instance.this.deletion_protection
    error_message = "Without backups RDS writes no binlog."
  }
}

run "roles_of_dms" {
  command = plan

  module {
    source = "./modules/replication"
  }

  variables {
    name                 = "listings"
    service              = "listings"
    bucket               = "example-listings-livemove"
    permissions_boundary = "arn:aws:iam::123456789012:policy/listings-boundary"
    enabled              = true
    roles                = ["dms-vpc-role"]
    instance_class       = "dms.t3.medium"
    storage_gb           = 50
    subnet_ids           = ["subnet-a", "subnet-b"]
    security_group_ids   = ["sg-a"]
    publicly_accessible  = false
    maintenance_window   = "sun:14:00-sun:15:00"
  }

  assert {
    condition     = alltrue([for role in concat(values(aws_iam_role.account), aws_iam_role.secrets, aws_iam_role.assessment) : role.permissions_boundary == "arn:aws:iam::123456789012:policy/listings-boundary"])
    error_message = "Every role carries the boundary."
  }
}
