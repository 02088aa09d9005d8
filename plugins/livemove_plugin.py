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
            "name": "livemove",
            "url_route": "livemove",
            "destination": "nav",
            "nav_top_level": True,
            "icon": f"{PREFIX}/console/files/icon.svg",
            "icon_dark_mode": f"{PREFIX}/console/files/icon-dark.svg",
            "href": f"{PREFIX}/console",
        },
        {
            "name": "Console",
            "url_route": "livemove-console",
            "destination": "dag",
            "href": f"{PREFIX}/console?dag_id={{DAG_ID}}",
        },
        {
            "name": "Console",
            "url_route": "livemove-console",
            "destination": "dag_run",
            "href": f"{PREFIX}/console?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
        },
    ] + [
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
