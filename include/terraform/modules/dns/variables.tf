variable "zone_name" {
  description = "Existing public zone."
  type        = string
}
