data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  prefix = "arn:${data.aws_partition.this.partition}"
  count  = var.enabled ? 1 : 0

  account_roles = {
    dms-vpc-role = {
      policy      = "AmazonDMSVPCManagementRole"
      description = "DMS places replication instances into subnets"
    }
    dms-cloudwatch-logs-role = {
      policy      = "AmazonDMSCloudWatchLogsRole"
      description = "DMS writes its tasks' logs"
    }
  }
}

# DMS looks these two roles up by their fixed names, once per account -----------------------------------

data "aws_iam_policy_document" "dms" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["dms.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "account" {
  for_each = var.roles

  name               = each.value
  description        = local.account_roles[each.value].description
  assume_role_policy = data.aws_iam_policy_document.dms.json

  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy_attachment" "account" {
  for_each = var.roles

  role       = aws_iam_role.account[each.value].name
  policy_arn = "${local.prefix}:iam::aws:policy/service-role/${local.account_roles[each.value].policy}"
}

# Secrets of the endpoints: this role must trust DMS's principal of the region, not the global one ------

data "aws_iam_policy_document" "regional" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["dms.${data.aws_region.this.name}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "secrets" {
  statement {
    actions = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = [
      "${local.prefix}:secretsmanager:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}:secret:${var.service}/livemove/*",
      "${local.prefix}:secretsmanager:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}:secret:${var.service}/dms/*",
    ]
  }
}

resource "aws_iam_role" "secrets" {
  count = local.count

  name               = "${var.name}-dms-secrets"
  description        = "DMS reads the logins of the endpoints of ${var.service}"
  assume_role_policy = data.aws_iam_policy_document.regional.json

  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "secrets" {
  count = local.count

  name   = "secrets"
  role   = aws_iam_role.secrets[0].id
  policy = data.aws_iam_policy_document.secrets.json
}

# A premigration assessment writes its result into the bucket ------------------------------------------------

data "aws_iam_policy_document" "assessment" {
  statement {
    actions   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:PutObjectTagging"]
    resources = ["${local.prefix}:s3:::${var.bucket}/assessments/*"]
  }

  statement {
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = ["${local.prefix}:s3:::${var.bucket}"]
  }
}

resource "aws_iam_role" "assessment" {
  count = local.count

  name               = "${var.name}-dms-assessment"
  description        = "DMS keeps the assessments of ${var.service}"
  assume_role_policy = data.aws_iam_policy_document.dms.json

  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "assessment" {
  count = local.count

  name   = "assessment"
  role   = aws_iam_role.assessment[0].id
  policy = data.aws_iam_policy_document.assessment.json
}

# The instance. Endpoints and tasks carry the epoch of a move and belong to the DAG -----------------------

resource "aws_dms_replication_subnet_group" "this" {
  count = local.count

  replication_subnet_group_id          = var.name
  replication_subnet_group_description = "Subnets of ${var.service}"
  subnet_ids                           = var.subnet_ids

  depends_on = [aws_iam_role_policy_attachment.account]
}

resource "aws_dms_replication_instance" "this" {
  count = local.count

  replication_instance_id      = var.name
  replication_instance_class   = var.instance_class
  allocated_storage            = var.storage_gb
  multi_az                     = false
  publicly_accessible          = var.publicly_accessible
  auto_minor_version_upgrade   = false
  preferred_maintenance_window = var.maintenance_window
  replication_subnet_group_id  = aws_dms_replication_subnet_group.this[0].id
  vpc_security_group_ids       = var.security_group_ids
}

# DMS would make it by itself, and keep the logs for ever.
resource "aws_cloudwatch_log_group" "tasks" {
  count = local.count

  name              = "dms-tasks-${var.name}"
  retention_in_days = 90
}
