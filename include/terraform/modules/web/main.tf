data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_ami" "ubuntu" {
  most_recent = true
  owners      = ["099720109477"] # Canonical

  filter {
    name   = "name"
    values = ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"]
  }

  filter {
    name   = "virtualization-type"
    values = ["hvm"]
  }
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "reads" {
  statement {
    sid     = "Secrets"
    actions = ["secretsmanager:GetSecretValue"]
    resources = [
      var.secret_arn,
      # the login that waits for the switchover; livemove makes the secrets, one for each database
      "arn:${data.aws_partition.this.partition}:secretsmanager:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}:secret:${var.service}/livemove/*/livemove_watch-*",
    ]
  }

  statement {
    sid       = "Releases"
    actions   = ["s3:GetObject"]
    resources = formatlist("arn:${data.aws_partition.this.partition}:s3:::${var.bucket}/%s", distinct(compact(["releases/*", var.release])))
  }
}

resource "aws_iam_role" "this" {
  name               = "${var.name}-web"
  description        = "Web servers of ${var.service}"
  assume_role_policy = data.aws_iam_policy_document.assume.json

  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "reads" {
  name   = "reads"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.reads.json
}

resource "aws_iam_role_policy_attachment" "ssm" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-web"
  role = aws_iam_role.this.name
}

resource "aws_key_pair" "this" {
  count = var.ssh_public_key == null ? 0 : 1

  key_name   = "${var.name}-web"
  public_key = var.ssh_public_key
}

resource "aws_instance" "this" {
  count = var.servers

  ami                         = data.aws_ami.ubuntu.id
  instance_type               = var.instance_type
  subnet_id                   = element(var.subnet_ids, count.index)
  vpc_security_group_ids      = var.security_group_ids
  key_name                    = one(aws_key_pair.this[*].key_name)
  iam_instance_profile        = aws_iam_instance_profile.this.name
  user_data                   = coalesce(var.user_data, file("${path.module}/user_data.sh"))
  user_data_replace_on_change = false

  # User data installs packages before the Elastic IP is attached.
  associate_public_ip_address = true

  root_block_device {
    volume_type           = "gp3"
    volume_size           = var.volume_gb
    encrypted             = true
    delete_on_termination = true
  }

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }

  tags        = { Name = "${var.name}-web-${count.index + 1}" }
  volume_tags = { Name = "${var.name}-web-${count.index + 1}" }

  lifecycle {
    # A newer image would replace the server, other user data would stop and start it: never during a migration.
    ignore_changes = [ami, user_data]
  }
}

resource "aws_eip" "this" {
  count = var.servers

  domain   = "vpc"
  instance = aws_instance.this[count.index].id

  tags = { Name = "${var.name}-web-${count.index + 1}" }
}
