"""Templates of the report's page and of the questions, in the folder beside this module.

What is put into an HTML template is escaped; Markdown is plain text. A name that a template uses and nobody
gave is an error, not an empty place.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"


def render(name: str, **values: object) -> str:
    """The text of a template; that of an HTML template is Markup, which another one takes as it is."""
    text = _environment().get_template(name).render(**values)
    if not name.endswith(".html"):
        return text
    from markupsafe import Markup

    return Markup(text)


@cache
def _environment() -> Environment:
    # here, because parsing a DAG renders nothing
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["px"] = lambda x: f"{x:.1f}"
    return made
