"""`dataclass` for what one request makes dozens of, such as rows and what is asked for.

To the type checker it is that of the standard library, so that nobody assigns to a field of a frozen one. At run time
nothing watches over it: there, a frozen one sets each field by a call of its own, five times the time of an assignment.
Creating a code sets 300 such fields, which was a fifteenth of what it takes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, *, frozen: bool = False, **options: Any) -> Any:
        """As `dataclasses.dataclass`; what is frozen can be compared and hashed as there."""
        return dataclasses.dataclass(cls, unsafe_hash=frozen, **options)
