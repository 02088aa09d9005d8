"""What Airflow's plugin loader sees of livemove. The package beside it is hidden from the loader (.airflowignore)."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class LivemovePlugin(AirflowPlugin):
    name = "livemove"

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        from livemove.ui.questions import forget_filed_questions

        forget_filed_questions()
