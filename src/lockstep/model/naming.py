"""How an entry of ours is named on a lock, and recognised again by the tag at the end. Knows no vendor."""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

from lockstep.model.capabilities import NameRules

_FIRST_NAME = "Guest"
"""Where nothing else is left of a name."""
TAG_LENGTH = 5
"""Characters of Crockford base 32: 25 bits, keyed, compared only with tags known for the same write domain."""


def entry_name(wanted: str, tag: str, rules: NameRules) -> str:
    """`wanted` cut and spelt to the vendor's rules, with the tag last: `Anna Smith k7f2q`.

    The tag is never cut. Where names are too short for the separator it is dropped. The same for the same name, however
    its accents are encoded, and for the name that comes out of it. Where the vendor keeps a first and a last name,
    there is always something of both.
    """
    if not rules.is_kept:
        return ""
    allowed = rules.pattern
    cleaned = wanted if allowed is None else _spelt(wanted, allowed)
    separator = " " if rules.is_split or allowed is None or re.fullmatch(allowed, " ") else ""
    room = rules.longest - len(tag) - len(separator)
    if room <= 0:
        return tag[-rules.longest :] if rules.longest < len(tag) else tag
    head = cleaned.strip()[:room].strip() or (_FIRST_NAME[:room] if rules.is_split else "")
    return f"{head}{separator}{tag}" if head else tag


def carries_tag(name: str | None, tag: str, rules: NameRules) -> bool:
    """Whether a name read back ends in this tag; some vendors change the case of letters."""
    if not tag or not name or not rules.is_kept or rules.longest < len(tag):
        return False
    return name.rstrip().casefold().endswith(tag.casefold())


def is_named_so(standing: str, wanted: str, tag: str, rules: NameRules) -> bool:
    """Whether the name of an entry, as it stands on the lock, says what is wanted, though without our tag: somebody
    else wrote it so, and it need not be written again."""
    if not standing or carries_tag(standing, tag, rules):
        return False
    return entry_name(standing, tag, rules) == entry_name(wanted, tag, rules)


def parts_of(name: str, rules: NameRules) -> tuple[str, str] | None:
    """The first and the last name as the vendor keeps them; None where it keeps one."""
    if not rules.is_split:
        return None
    first, _, last = name.partition(" ")
    return first, last


def untagged(name: str, tag: str, rules: NameRules) -> str:
    """A name as a person wrote it: without our tag at its end."""
    return name.rstrip()[: -len(tag)].rstrip() if carries_tag(name, tag, rules) else name.strip()


def is_shown_as(shown: str | None, written: str, rules: NameRules) -> bool:
    """Whether a name read back is the one that was written, but for case and spaces, which vendors change, and the end
    that some cut off. True where the vendor keeps or shows none: that tells nothing."""
    if shown is None or not rules.is_kept:
        return True
    seen, meant = (" ".join(name.split()).casefold() for name in (shown, written))
    return seen == meant or (rules.truncates and bool(seen) and meant.startswith(seen))


def _spelt(wanted: str, allowed: str) -> str:
    """In characters that the lock holds: what it does not hold is spelt with those, as `Müßig` becomes `Mussig`."""
    letters = unicodedata.normalize("NFC", wanted)
    return "".join(c if re.fullmatch(allowed, c) else _spelt_letter(c, allowed) for c in letters)


def _spelt_letter(letter: str, allowed: str) -> str:
    """Empty where there is no way, and for signs and pictures, whose descriptions are no part of anybody's name."""
    if unicodedata.category(letter)[0] not in "LNPZ":
        return ""
    return "".join(c for c in anyascii(letter) if re.fullmatch(allowed, c))
