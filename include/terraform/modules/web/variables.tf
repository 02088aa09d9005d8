variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds every role made here, or null."
  type        = string
}

variable "service" {
  description = "Name of the service, as in its spec."
  type        = string
}

variable "servers" {
  description = "How many web servers."
  type        = number
}

variable "instance_type" {
  description = "EC2 instance type."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets; the servers take turns."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the servers."
  type        = list(string)
}

variable "ssh_public_key" {
  description = "OpenSSH public key for a key pair, or null."
  type        = string
}

variable "user_data" {
  description = "Shell script run at the first boot; null for this module's own."
  type        = string
}

variable "bucket" {
  description = "Bucket with the releases."
  type        = string
}

variable "release" {
  description = "Key of the release in that bucket, or null."
  type        = string
}

variable "secret_arn" {
  description = "Secret with the application's login."
  type        = string
}

variable "volume_gb" {
  description = "gp3 root volume in GiB."
  type        = number
  default     = 50
}
