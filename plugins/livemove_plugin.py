"""What Airflow's plugin loader sees of livemove; .airflowignore hides the package from the loader."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from livemove.ui.pages import apps

PREFIX = "/livemove"


def _tab(name: str, destination: str, page: str) -> dict[str, Any]:
    # of two views with the same route Airflow takes the first and drops the second with a line in its log
    route = f"livemove-{name.lower()}-{destination.replace('_', '-')}"
    return {
        "name": name,
        "url_route": route,
        "destination": destination,
        "href": f"{PREFIX}/{page}",
    }


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
        _tab("Console", "dag", "console?dag_id={DAG_ID}"),
        _tab("Console", "dag_run", "console?dag_id={DAG_ID}&run_id={RUN_ID}"),
        _tab("Preflight", "dag_run", "findings?dag_id={DAG_ID}&run_id={RUN_ID}"),
        _tab("Preflight", "task_instance", "findings?dag_id={DAG_ID}&run_id={RUN_ID}"),
    ]

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        from livemove.ui.questions import forget_filed_questions

        forget_filed_questions()
