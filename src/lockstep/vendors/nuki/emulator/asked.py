"""One call to the vendor's API, read but not judged."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from starlette.datastructures import QueryParams

from lockstep.emulation.faults import Fault, FaultKind
from lockstep.emulation.journal import Call
from lockstep.vendors.nuki.emulator.bodies import instant_of
from lockstep.vendors.nuki.emulator.replies import bad_parameter


@dataclass(frozen=True, slots=True)
class Asked:
    """`at` is the present instant; `fault` is for the application to carry out."""

    path: dict[str, str]
    query: QueryParams
    raw: bytes = field(repr=False)
    at: datetime
    call: Call
    fault: Fault | None

    def body(self) -> Any:
        """The JSON body. Raises Refused: 400."""
        try:
            return msgspec.json.decode(self.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise bad_parameter("entity", None) from None

    def fields(self) -> dict[str, Any]:
        """The JSON body, which has to be an object; none at all is an empty one. Raises Refused: 400."""
        body = self.body() if self.raw else {}
        if not isinstance(body, dict):
            raise bad_parameter("entity", None)
        return body

    def number(self, name: str) -> int | None:
        """A whole number from the query. Raises Refused: 400."""
        text = self.query.get(name)
        try:
            return None if text is None else int(text)
        except ValueError:
            raise bad_parameter(name, text) from None

    def numbers(self, name: str) -> frozenset[int] | None:
        """Whole numbers, separated by commas, from the query. Raises Refused: 400."""
        text = self.query.get(name)
        try:
            return None if not text else frozenset(int(part) for part in text.split(","))
        except ValueError:
            raise bad_parameter(name, text) from None

    def instant(self, name: str) -> datetime | None:
        """An instant from the query. Raises Refused: 400."""
        return instant_of(name, self.query.get(name))

    @property
    def seen_at(self) -> datetime | None:
        """The earlier instant whose state answers this read; None: the present state does."""
        if self.fault is None or self.fault.kind is not FaultKind.STALE:
            return None
        return datetime.fromtimestamp(self.at.timestamp() - self.fault.seconds, self.at.tzinfo)
