variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC; subnets are /24-sized parts of a /16."
  type        = string
}

variable "idc_cidrs" {
  description = "Networks of the data centre that reach the database."
  type        = list(string)
}

variable "admin_cidrs" {
  description = "Networks of administrators and Airflow workers."
  type        = list(string)
}

variable "vpn_gateway_id" {
  description = "Virtual private gateway to attach, or null."
  type        = string
}

variable "database_port" {
  description = "Port of the database."
  type        = number
}

variable "replication_enabled" {
  description = "Whether DMS stands."
  type        = bool
}

variable "private_replication" {
  description = "Whether DMS has private addresses only: then it reads its secrets through an endpoint in the VPC."
  type        = bool
}
