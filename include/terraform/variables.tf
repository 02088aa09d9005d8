variable "service" {
  description = "Name of the service, as in its spec; prefix of every name that is made."
  type        = string
}

variable "region" {
  description = "AWS region of everything but the DNS zone."
  type        = string
}

variable "bucket" {
  description = "S3 bucket that holds this state, the releases and the ledger. It must exist."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds every role made here (include/iam/boundary.json); null for none."
  type        = string
  default     = null
}

# Network path ---------------------------------------------------------------------------------------

variable "vpc_cidr" {
  description = "Address range of the new VPC; it must not overlap with the IDC's."
  type        = string
  default     = "10.20.0.0/16"
}

variable "connectivity" {
  description = "How IDC and AWS reach each other's database: vpn (private addresses; attach the VPN by vpn_gateway_id) or public_allow_list (internet, TLS, only the addresses of idc_cidrs and the ones in the output idc_firewall)."
  type        = string
  default     = "vpn"

  validation {
    condition     = contains(["vpn", "public_allow_list"], var.connectivity)
    error_message = "connectivity must be vpn or public_allow_list."
  }
}

variable "idc_cidrs" {
  description = "Networks of the data centre: its servers reach the new database, and the VPC routes to them."
  type        = list(string)
  default     = []
}

variable "admin_cidrs" {
  description = "Networks of administrators and Airflow workers: SSH to the web servers, and the database."
  type        = list(string)
  default     = []
}

variable "vpn_gateway_id" {
  description = "Virtual private gateway of an existing VPN to attach to the new VPC; null when the path is made otherwise."
  type        = string
  default     = null
}

variable "source_address" {
  description = "Address of the IDC database, for the output idc_firewall."
  type        = string
}

variable "source_port" {
  description = "Port of the IDC database, for the output idc_firewall."
  type        = number
  default     = 3306
}

# Web servers ----------------------------------------------------------------------------------------

variable "web_servers" {
  description = "How many web servers."
  type        = number
  default     = 1
}

variable "web_server_names" {
  description = "Their names in the spec, in order; they name the entries of the output web_servers."
  type        = list(string)
  default     = []
}

variable "instance_type" {
  description = "EC2 instance type of the web servers."
  type        = string
  default     = "t3.small"
}

variable "ssh_public_key" {
  description = "OpenSSH public key for a key pair on the web servers; null for none (SSM is the way in)."
  type        = string
  default     = null
}

variable "release" {
  description = "Key of the application's release in the bucket, for the servers to read; null when there is none."
  type        = string
  default     = null
}

variable "user_data" {
  description = "Shell script that prepares a new web server; null for the module's own."
  type        = string
  default     = null
}

# Database -------------------------------------------------------------------------------------------

variable "engine_version" {
  description = "MariaDB version of RDS, major and minor."
  type        = string
  default     = "10.11"
}

variable "database_instance_class" {
  description = "RDS instance class."
  type        = string
  default     = "db.t3.medium"
}

variable "database_storage_gb" {
  description = "gp3 storage in GiB."
  type        = number
  default     = 200
}

variable "database_multi_az" {
  description = "Keep a standby in a second availability zone."
  type        = bool
  default     = false
}

variable "database_port" {
  description = "Port of the new database."
  type        = number
  default     = 3306
}

variable "database_username" {
  description = "Master user of RDS."
  type        = string
}

variable "database_password" {
  description = "Its password. Write-only: it enters neither state nor plan, and is given again at apply."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "application_database" {
  description = "The application's default schema, for the application secret."
  type        = string
}

variable "application_username" {
  description = "The application's database account, for the application secret."
  type        = string
}

variable "application_password" {
  description = "Its password. Write-only: it enters neither state nor plan, and is given again at apply."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "password_version" {
  description = "Raise it to write both passwords again; Terraform cannot see that a write-only value changed."
  type        = number
  default     = 1
}

variable "source_parameters" {
  description = "Server variables of the source that the target must share; null leaves RDS's default."
  type = object({
    sql_mode               = optional(string)
    time_zone              = optional(string)
    character_set_server   = optional(string)
    collation_server       = optional(string)
    max_allowed_packet     = optional(string)
    lower_case_table_names = optional(string)
  })
  default = {}

  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MariaDB.Concepts.LocalTimeZone.html
  validation {
    condition     = var.source_parameters.time_zone == null ? true : contains(split("\n", file("${path.module}/time_zones.txt")), var.source_parameters.time_zone)
    error_message = "RDS has no time zone ${coalesce(var.source_parameters.time_zone, "-")}: time_zones.txt lists the names that its parameter group takes."
  }
}

variable "database_require_tls" {
  description = "RDS refuses connections in clear text."
  type        = bool
  default     = true
}

variable "backup_window" {
  description = "Daily backup window in UTC, hh:mm-hh:mm; away from the low-traffic window of the migration."
  type        = string
}

variable "maintenance_window" {
  description = "Weekly maintenance window in UTC, ddd:hh:mm-ddd:hh:mm; away from the migration and the backups."
  type        = string
}

variable "deletion_protection" {
  description = "Refuse to delete the database."
  type        = bool
  default     = true
}

variable "final_snapshot" {
  description = "Take a snapshot when the database is deleted after all."
  type        = bool
  default     = true
}

# Replication and DNS --------------------------------------------------------------------------------

variable "replication_enabled" {
  description = "false tears DMS down: instance, subnet group, log group, secrets role."
  type        = bool
  default     = true
}

variable "dms_roles" {
  description = "Which of dms-vpc-role and dms-cloudwatch-logs-role these files make. Their names are fixed for the whole account: name one only when the account lacks it, or when these files made it. Left out again, it is removed."
  type        = set(string)

  validation {
    condition     = length(setsubtract(var.dms_roles, ["dms-vpc-role", "dms-cloudwatch-logs-role"])) == 0
    error_message = "dms_roles may name dms-vpc-role and dms-cloudwatch-logs-role."
  }
}

variable "replication_instance_class" {
  description = "DMS replication instance class."
  type        = string
  default     = "dms.t3.medium"
}

variable "replication_storage_gb" {
  description = "Storage of the replication instance in GiB, for cached changes and logs."
  type        = number
  default     = 50
}

variable "zone_name" {
  description = "Existing public Route 53 zone of the service's name, empty when the zone is elsewhere. Its records stay out of Terraform's hands."
  type        = string
}
