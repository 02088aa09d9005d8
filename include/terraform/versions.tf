terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  # Bucket, key and region are given to `terraform init`, so that these files hold no environment.
  backend "s3" {
    use_lockfile = true
    encrypt      = true
  }
}

# No endpoint, no skip_* flag and no credentials, on purpose: the same files serve AWS and a rehearsal.
provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}
