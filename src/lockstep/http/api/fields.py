"""Types of what callers send: strict, and nothing that the database or a vendor would choke on later."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr


class Sent(BaseModel):
    """Of every request body: no field that is not known, no value taken for another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _is_storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("Text must not hold the character NUL.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("Text must not hold half a character (a lone surrogate).") from None
    return text


def _is_written_out(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise ValueError("An instant is text such as 2026-06-01T15:00:00Z.")  # noqa: TRY004 -- Pydantic's contract
    return value


Text = Annotated[StrictStr, AfterValidator(_is_storable), Field(min_length=1, max_length=200)]
LongText = Annotated[StrictStr, AfterValidator(_is_storable), Field(min_length=1, max_length=2000)]
Instant = Annotated[AwareDatetime, BeforeValidator(_is_written_out), Field(examples=["2026-06-01T15:00:00Z"])]
"""With an offset, as text; never a number."""
PublicId = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""In a body."""
PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""In a path: `event_id: PathId`."""
