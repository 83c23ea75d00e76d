"""Templates, with what they may call. Knows no page and no operation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from lockstep.http.pages import words


@cache
def _environment(package: str) -> Environment:
    """One of each room in a process: it keeps the templates that it has translated, which takes longer than to fill
    them in."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("lockstep.http.pages")]),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        enable_async=False,
    )
    environment.filters.update(words.FILTERS)
    return environment


class Templates:
    """Those of one room, and the shared ones. What is shown is escaped; a name that was not given is an error, not an
    empty place."""

    def __init__(self, package: str) -> None:
        self._environment = _environment(package)

    def text(self, name: str, values: Mapping[str, Any]) -> str:
        """The HTML of a template."""
        return self._environment.get_template(name).render(values)

    def page(
        self,
        name: str,
        values: Mapping[str, Any],
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        return HTMLResponse(self.text(name, values), status, headers)
