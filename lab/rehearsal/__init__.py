"""The rehearsal: the whole migration in real Airflow on the lab, with the gates answered by a robot."""
