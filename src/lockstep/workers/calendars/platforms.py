"""What the platforms' words mean: which entry is a stay, and what it tells of the guest. Knows no dates.

Facts: Airbnb, Booking.com and Vrbo feeds as found in public projects' fixtures and bug reports (2026-11), not
checked on live ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lockstep.model.feed import Platform, StayKind

_BY_WORD: tuple[tuple[str, Platform], ...] = (
    ("airbnb", "airbnb"),
    ("booking.com", "booking_com"),
    ("homeaway", "vrbo"),
    ("vrbo", "vrbo"),
    ("abritel", "vrbo"),
    ("fewo-direkt", "vrbo"),
)
_BY_UID: tuple[tuple[str, Platform], ...] = (
    ("@airbnb.com", "airbnb"),
    ("@booking.com", "booking_com"),
    ("@vrbo.com", "vrbo"),
    ("@homeaway.com", "vrbo"),
)

# Airbnb's UIDs of stays begin so; those of its blocks otherwise.
_AIRBNB_STAY_UID = "1418fb94e984-"
_AIRBNB_CODE = re.compile(r"/reservations/details/([A-Z0-9]{6,16})|\b(HM[A-Z0-9]{8})\b")
_LAST_DIGITS = re.compile(r"\([^)]*\b4\b[^)]*\)\s*:\s*(\d{4})\b")

_NO_STAY = re.compile(
    r"(?:airbnb\s*\()?(?:not available|unavailable|no longer available|blocked|maintenance|out of order"
    r"|cleaning|housekeeping|turnover"
    r"|indisponible|non disponible|bloqué|bloquée|ménage"
    r"|blockiert|gesperrt|nicht verfügbar|reinigung|wartung"
    r"|bloqueado|bloqueada|no disponible|limpieza|indisponível|limpeza"
    r"|bloccato|non disponibile|pulizie|geblokkeerd|niet beschikbaar|schoonmaak"
    r"|blockerad|inte tillgänglig|städning|blokeret|ikke tilgængelig|blokkert|varattu omaan käyttöön)\b",
    re.IGNORECASE,
)
_RESERVED = (
    r"(?:reserved|reservation|booked|booking|réservée?|réservation|reserviert|gebucht|reservierung"
    r"|reservad[oa]|reserva|prenotat[oa]|riservato|gereserveerd|geboekt|reserverad|bokad|reserveret|reservert)"
)
_RESERVED_ONLY = re.compile(_RESERVED, re.IGNORECASE)
_RESERVED_NAME = re.compile(rf"{_RESERVED}\s*[-–:]\s*(?P<name>.+)", re.IGNORECASE)
_NAME_RESERVED = re.compile(rf"(?P<name>.+?)\s*[-–]\s*{_RESERVED}", re.IGNORECASE)
_NAME_GUESTS = re.compile(r"(?P<name>.+?)\s*\(\s*\d+\s*\w+\s*\)")
_WORD_NAME = re.compile(r"\w+\s+[-–]\s+(?P<name>.+)")
_SAYS_NOTHING = re.compile(r"busy|closed\b.*|occupied|\W*", re.IGNORECASE)

_PHONE_LINE = re.compile(
    r"^\s*(?:phone|tel|telephone|mobile|cell)\b[^:\n]*:\s*([+\d][\d\s()./-]{5,})$",
    re.IGNORECASE | re.MULTILINE,
)
_CODE_LINE = re.compile(
    r"^\s*(?:reservation|confirmation|booking)\s*(?:code|id|number|no\.?|#)?\s*:\s*([A-Za-z0-9-]{4,24})\s*$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class EntryTraits:
    """What an entry is and tells. `keeps_uid`: whether the platform gives it the same UID throughout."""

    kind: StayKind
    keeps_uid: bool = True
    guest_name: str | None = field(default=None, repr=False)
    phone_last4: str | None = field(default=None, repr=False)
    reservation_code: str | None = field(default=None, repr=False)


def platform_of(product: str, uids: Iterable[str]) -> Platform:
    """The platform that made a feed, by its PRODID, else by the UIDs of its entries where they agree."""
    for word, platform in _BY_WORD:
        if word in product.casefold():
            return platform
    found = {platform_of_entry(uid, "other") for uid in uids}
    return found.pop() if len(found) == 1 else "other"


def platform_of_entry(uid: str, feed: Platform) -> Platform:
    """The platform of one entry: feeds that were merged keep the UIDs of their sources."""
    return next((platform for end, platform in _BY_UID if uid.casefold().endswith(end)), feed)


def traits_of(platform: Platform, uid: str, summary: str, description: str) -> EntryTraits:
    """What an entry of `platform` with these words is."""
    summary = " ".join(summary.split())
    if platform == "airbnb":
        return _airbnb(uid, summary, description)
    if platform == "booking_com":
        # Closures and stays carry the same words, and the UID changes while a guest is inside.
        return EntryTraits("unclear", keeps_uid=False)
    if platform == "vrbo":
        return _vrbo(summary)
    return _other(summary, description)


def _airbnb(uid: str, summary: str, description: str) -> EntryTraits:
    code = _AIRBNB_CODE.search(f"{description}\n{summary}")
    digits = _LAST_DIGITS.search(description)
    is_stay = code is not None or uid.startswith(_AIRBNB_STAY_UID) or bool(_RESERVED_ONLY.fullmatch(summary))
    if not is_stay and _NO_STAY.match(summary):
        return EntryTraits("block")
    if not is_stay:
        return EntryTraits("block" if uid.endswith("@airbnb.com") and not summary else "unclear")
    # In older feeds the summary is the guest's name with the code in brackets.
    name = re.fullmatch(r"(.+?)\s*\(HM[A-Z0-9]{8}\)", summary)
    return EntryTraits(
        "stay",
        guest_name=name.group(1) if name else None,
        phone_last4=digits.group(1) if digits else None,
        reservation_code=(code.group(1) or code.group(2)) if code else None,
    )


def _vrbo(summary: str) -> EntryTraits:
    if _NO_STAY.match(summary):
        return EntryTraits("block")
    named = _RESERVED_NAME.fullmatch(summary) or _WORD_NAME.fullmatch(summary)
    if named:
        return EntryTraits("stay", guest_name=named["name"].strip())
    return EntryTraits("stay" if _RESERVED_ONLY.fullmatch(summary) else "unclear")


def _other(summary: str, description: str) -> EntryTraits:
    if _SAYS_NOTHING.fullmatch(summary):
        return EntryTraits("unclear")
    if _NO_STAY.match(summary):
        return EntryTraits("block")
    named = (
        _RESERVED_NAME.fullmatch(summary)
        or _NAME_RESERVED.fullmatch(summary)
        or _NAME_GUESTS.fullmatch(summary)
    )
    name = named["name"].strip() if named else summary
    last4 = _LAST_DIGITS.search(description)
    phone = _PHONE_LINE.search(description)
    digits = re.sub(r"\D", "", phone.group(1)) if phone else ""
    code = _CODE_LINE.search(description)
    return EntryTraits(
        "stay",
        guest_name=None if _RESERVED_ONLY.fullmatch(name) else name,
        phone_last4=last4.group(1) if last4 else digits[-4:] or None,
        reservation_code=code.group(1) if code else None,
    )
