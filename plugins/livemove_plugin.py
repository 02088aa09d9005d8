"""What Airflow's plugin loader sees of livemove. The package beside it is hidden from the loader (.airflowignore)."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from livemove.ui.pages import apps

PREFIX = "/livemove"


class LivemovePlugin(AirflowPlugin):
    name = "livemove"
    fastapi_apps = apps(PREFIX)
    external_views = [
        {
            "name": "Preflight",
            "url_route": "livemove-preflight",
            "destination": destination,
            "href": f"{PREFIX}/findings?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
        }
        for destination in ("task_instance", "dag_run")
    ]

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        from livemove.ui.questions import forget_filed_questions

        forget_filed_questions()
