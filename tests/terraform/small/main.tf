# A stack without a provider: what the adapter must get right has nothing to do with AWS.
terraform {
  required_version = ">= 1.11, < 2.0"

  backend "s3" {
    use_lockfile = true
  }
}

variable "greeting" {
  type = string
}

variable "seconds" {
  type    = number
  default = 0
}

variable "database_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "terraform_data" "first" {
  input = var.greeting

  provisioner "local-exec" {
    command = "sleep ${var.seconds}"
  }
}

resource "terraform_data" "refused" {
  count = var.greeting == "refuse me" ? 1 : 0

  provisioner "local-exec" {
    command = "echo the machine said no >&2; exit 7"
  }
}

output "greeting" {
  value = terraform_data.first.output
}

output "hidden" {
  value     = "a secret output"
  sensitive = true
}
