variable "name" {
  description = "Prefix of every name, and the RDS identifier."
  type        = string
}

variable "service" {
  description = "Name of the service, as in its spec."
  type        = string
}

variable "engine_version" {
  description = "MariaDB version, major and minor."
  type        = string
}

variable "instance_class" {
  description = "RDS instance class."
  type        = string
}

variable "storage_gb" {
  description = "gp3 storage in GiB."
  type        = number
}

variable "multi_az" {
  description = "Keep a standby in a second availability zone."
  type        = bool
}

variable "port" {
  description = "Port of the database."
  type        = number
}

variable "username" {
  description = "Master user."
  type        = string
}

variable "password" {
  description = "Its password, write-only."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "password_version" {
  description = "Raise it to write the passwords again."
  type        = number
}

variable "subnet_ids" {
  description = "Subnets of the database, in at least two availability zones."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the database."
  type        = list(string)
}

variable "publicly_accessible" {
  description = "Give the database a public address."
  type        = bool
}

variable "require_tls" {
  description = "Refuse connections in clear text."
  type        = bool
}

variable "parameters" {
  description = "Server variables taken over from the source; null leaves RDS's default."
  type        = map(string)
}

variable "backup_window" {
  description = "Daily backup window in UTC."
  type        = string
}

variable "maintenance_window" {
  description = "Weekly maintenance window in UTC."
  type        = string
}

variable "deletion_protection" {
  description = "Refuse to delete the database."
  type        = bool
}

variable "final_snapshot" {
  description = "Take a snapshot at deletion."
  type        = bool
}

variable "application_database" {
  description = "The application's default schema."
  type        = string
}

variable "application_username" {
  description = "The application's account."
  type        = string
}

variable "application_password" {
  description = "Its password, write-only."
  type        = string
  sensitive   = true
  ephemeral   = true
}
