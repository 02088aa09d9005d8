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

variable "bucket" {
  description = "S3 bucket into which DMS writes its assessments."
  type        = string
}

variable "enabled" {
  description = "false removes everything but the account's roles."
  type        = bool
}

variable "roles" {
  description = "Which of the two roles of fixed names, that DMS looks up in the account, are made here."
  type        = set(string)
}

variable "instance_class" {
  description = "Replication instance class."
  type        = string
}

variable "storage_gb" {
  description = "Storage in GiB, for cached changes and logs."
  type        = number
}

variable "subnet_ids" {
  description = "Subnets of the replication instance, in at least two availability zones."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the replication instance."
  type        = list(string)
}

variable "publicly_accessible" {
  description = "Give the replication instance a public address."
  type        = bool
}

variable "maintenance_window" {
  description = "Weekly maintenance window in UTC."
  type        = string
}
