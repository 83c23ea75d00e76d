"""Identities: UUIDv7 within, readable text without. Knows no noun."""

import re
from typing import Any
from uuid import UUID, SafeUUID

from uuid_utils import uuid7

# Crockford's base 32 (crockford.com/base32.html), lower-case: no i, l, o, u. Sorts as the bytes do.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = re.compile(f"[0-7][{_ALPHABET}]{{25}}")
# Python reads base 32 itself, with other letters; letter by letter is a fifth of a list of devices at Seam's door.
_PLAIN = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
# Two letters at a time: a grant makes half a dozen of these, and letter by letter takes three times as long.
_SHIFTS = range(120, -1, -10)


def new_id() -> UUID:
    """A fresh UUIDv7: sorts by the time at which it was made."""
    return _uuid_of(uuid7().int)


def public_id(prefix: str, id: UUID) -> str:
    """`prefix`, an underscore and 26 letters and digits, such as `lock_01jzx4vb3ce7mtq0c6bd0qwj8r`.

    The public ids of one prefix sort as their UUIDs do.
    """
    number = id.int
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def number_of(public_id: str) -> UUID | None:
    """The number within a public id that `public_id` made; None where it is none, such as a plain word."""
    letters = public_id.rpartition("_")[2]
    if _LETTERS.fullmatch(letters) is None:
        return None
    return _uuid_of(int(letters.translate(_PLAIN), 32))


_OF_UUID: Any = UUID
_set_number, _set_safety = _OF_UUID.int.__set__, _OF_UUID.is_safe.__set__


def _uuid_of(number: int) -> UUID:
    """`UUID(int=number)` in a quarter of the time, which goes into asking what else it may have been given: creating a
    code makes ten of them."""
    made = UUID.__new__(UUID)
    _set_number(made, number)
    _set_safety(made, SafeUUID.unknown)
    return made
