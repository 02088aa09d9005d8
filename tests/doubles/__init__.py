"""In-memory ports: the outside world for tests of the core and of Airflow's shells."""
