"""One request for each path that is built, and what it needs to be there first. To add a path, write its row in the
file of its namespace below `rows/`."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.http.seam.parts import Home

Body = Mapping[str, Any]


class Walk:
    """Makes what rows need, through the door itself."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._made = 0

    async def ask(self, path: str, **body: Any) -> Any:
        """The answer to a request that must be good."""
        answer = await self.home.raw(path, body)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    async def lock(self, number: int = 0) -> str:
        found = (await self.ask("/devices/list"))["devices"]
        return str(found[number]["device_id"])

    async def code(self, **fields: Any) -> dict[str, Any]:
        """A fresh code on the first lock."""
        made: dict[str, Any] = (
            await self.ask("/access_codes/create", device_id=await self.lock(), **fields)
        )["access_code"]
        return made

    def number(self) -> int:
        """Another one each time."""
        self._made += 1
        return self._made


@dataclass(frozen=True, slots=True)
class Row:
    """A path's request. `bad`: values laid over a good request, each of which must be refused with 400.
    `missing`: the field whose id is replaced by one that nothing answers to, and the type of the error."""

    body: Callable[[Walk], Awaitable[Body]]
    bad: tuple[Body, ...] = ()
    missing: tuple[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def rows() -> dict[str, Row]:
    """All of them, by path."""
    found: dict[str, Row] = {}
    for file in sorted((Path(__file__).parent / "rows").glob("*.py")):
        found |= importlib.import_module(f"tests.http.seam.rows.{file.stem}").ROWS
    return found


async def nothing(walk: Walk) -> Body:
    """It takes no parameters."""
    return {}
