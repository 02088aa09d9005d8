"""What Airflow's plugin loader sees of livemove. The package beside it is hidden from the loader (.airflowignore)."""

from airflow.plugins_manager import AirflowPlugin


class LivemovePlugin(AirflowPlugin):
    name = "livemove"
