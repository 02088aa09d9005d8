"""Terraform: plan, apply of exactly the approved plan, outputs; snapshot and maintenance of RDS.

Promises: what is applied is the plan that was shown, by its digest. State and plans live in S3; no values in
logs.
Enter at: `operators`, `adapters/terraform` (`infra_of`), `adapters/variables` (spec -> variables, no
secrets), `plan` (what a plan would do, and why it is refused), `rds_maintenance`.
Never: makes DMS endpoints or tasks (they carry an epoch), touches the public record, writes beside the DAGs.
"""
