"""What a vendor said, made fit to be kept: digits out, short. Knows no vendor."""

import re

MASK = "******"
_LONGEST = 200
_DIGITS = re.compile(r"\d{4,}")


def without_digits(text: str) -> str:
    """`text` with every run of four digits or more masked, cut to 200 characters."""
    return _DIGITS.sub(MASK, text)[:_LONGEST]
