"""How an entry of ours is named on a lock, and recognised again by the tag at the end. Knows no vendor."""

from __future__ import annotations

import re

from lockstep.model.capabilities import NameRules

TAG_LENGTH = 5
"""Characters of Crockford base 32: 25 bits, keyed, compared only with tags known for the same write domain."""


def entry_name(wanted: str, tag: str, rules: NameRules) -> str:
    """`wanted` cut and cleaned to the vendor's rules, with the tag last: `Anna Smith k7f2q`.

    The tag is never cut. Where names are too short for the separator it is dropped.
    """
    if not rules.is_kept:
        return ""
    allowed = rules.pattern
    cleaned = "".join(c for c in wanted if allowed is None or re.fullmatch(allowed, c))
    separator = " " if allowed is None or re.fullmatch(allowed, " ") else ""
    room = rules.longest - len(tag) - len(separator)
    if room <= 0:
        return tag[-rules.longest :] if rules.longest < len(tag) else tag
    head = cleaned.strip()[:room].strip()
    return f"{head}{separator}{tag}" if head else tag


def carries_tag(name: str | None, tag: str, rules: NameRules) -> bool:
    """Whether a name read back ends in this tag; some vendors change the case of letters."""
    if not tag or not name or not rules.is_kept or rules.longest < len(tag):
        return False
    return name.rstrip().casefold().endswith(tag.casefold())
