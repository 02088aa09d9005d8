# The rules of the whole stack: what is refused before anything is made, and what every role carries.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = {
      names = ["ap-northeast-2a", "ap-northeast-2c"]
    }
  }

  mock_data "aws_region" {
    defaults = {
      name = "ap-northeast-2"
    }
  }

  mock_data "aws_partition" {
    defaults = {
      partition = "aws"
    }
  }

  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
    }
  }

  mock_data "aws_iam_policy_document" {
    defaults = {
      json = "{\"Version\": \"2012-10-17\", \"Statement\": []}"
    }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = {
      arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:listings/application-abcdef"
    }
  }
}

variables {
  service              = "listings"
  region               = "ap-northeast-2"
  bucket               = "example-listings-livemove"
  source_address       = "10.20.0.15"
  idc_cidrs            = ["10.20.0.0/16"]
  database_username    = "admin"
  database_password    = "master-secret-1"
  application_database = "listings"
  application_username = "listings_app"
  application_password = "app-secret-2"
  backup_window        = "16:00-16:30"
  maintenance_window   = "sun:14:00-sun:15:00"
  dms_roles            = ["dms-vpc-role", "dms-cloudwatch-logs-role"]
  zone_name            = ""
  permissions_boundary = "arn:aws:iam::123456789012:policy/listings-boundary"
  source_parameters    = { time_zone = "Asia/Seoul" }
}

run "planned" {
  command = plan

  assert {
    condition     = !local.public_path
    error_message = "Through a VPN the database stands in private subnets."
  }
}

run "a_zone_that_rds_does_not_have" {
  command = plan

  variables {
    source_parameters = { time_zone = "Europe/Berlin" }
  }

  expect_failures = [var.source_parameters]
}

run "an_offset_is_no_zone" {
  command = plan

  variables {
    source_parameters = { time_zone = "+09:00" }
  }

  expect_failures = [var.source_parameters]
}

run "no_zone_is_rds_default" {
  command = plan

  variables {
    source_parameters = {}
  }
}

run "a_role_of_the_account_that_is_not_dms" {
  command = plan

  variables {
    dms_roles = ["administrator"]
  }

  expect_failures = [var.dms_roles]
}
