output "servers" {
  description = "Instance id and Elastic IP of every web server, in order."
  value = [for i, instance in aws_instance.this : {
    instance_id = instance.id
    public_ip   = aws_eip.this[i].public_ip
  }]
}
