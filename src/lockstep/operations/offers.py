"""What somebody who follows a link may connect: vendors, or in a sandbox makers whose locks are emulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations.emulator import EmulatedDevice
from lockstep.operations.errors import Invalid
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.vendors import CredentialWanted, wanted_by
from lockstep.storage import workspaces

Kind = Literal["lock", "thermostat", "noise_sensor"]

MAKERS: Mapping[str, tuple[str, Kind]] = {
    "akiles": ("Akiles", "lock"),
    "august": ("August", "lock"),
    "ecobee": ("ecobee", "thermostat"),
    "igloohome": ("igloohome", "lock"),
    "kwikset": ("Kwikset", "lock"),
    "lockly": ("Lockly", "lock"),
    "minut": ("Minut", "noise_sensor"),
    "nuki": ("Nuki", "lock"),
    "salto_ks": ("Salto KS", "lock"),
    "schlage": ("Schlage", "lock"),
    "smartthings": ("SmartThings", "lock"),
    "tedee": ("Tedee", "lock"),
    "ttlock": ("TTLock", "lock"),
    "ultraloq": ("Ultraloq", "lock"),
    "wyze": ("Wyze", "lock"),
    "yale": ("Yale", "lock"),
}
"""Whose devices a sandbox emulates: name -> name for people, and kind."""
_MORE_MAKERS = {"assa_abloy_credential_service": "ASSA ABLOY Credential Service"}
"""Of seeded accounts under which nothing stands."""
SANDBOX_MAIL = "@example.com"
"""The end of every address that a sandbox takes."""
SANDBOX_PASSWORD = "1234"  # noqa: S105 - opens emulated locks alone, and is told on the page
_ROOMS: Mapping[Kind, tuple[str, ...]] = {
    "lock": ("Front door", "Back door"),
    "thermostat": ("Hall",),
    "noise_sensor": ("Living room",),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A vendor or, where `is_emulated`, a maker."""

    vendor: str
    label: str
    credentials: tuple[CredentialWanted, ...]
    is_emulated: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """Whose account an emulated one is played to be."""

    maker: str
    label: str
    email: str = field(repr=False)


async def offers(gate: Gate, tx: Tx, accepted: tuple[str, ...] | None) -> tuple[Offer, ...]:
    """Those of the names `accepted` that there are; None: all. In the order of their labels."""
    row = await workspaces.get(tx.db, tx.workspace_id)
    is_sandbox = row is not None and row.is_sandbox and gate.emulator is not None
    found = _of_sandbox() if is_sandbox else _of_roster(gate)
    wanted = [offer for offer in found if accepted is None or offer.vendor in accepted]
    return tuple(sorted(wanted, key=lambda offer: offer.label.lower()))


async def listed(gate: Gate, tx: Tx, actor: Actor) -> tuple[Offer, ...]:
    """What can be connected in this workspace."""
    require(actor, Scope.ACCOUNTS_READ)
    return await offers(gate, tx, None)


def login_name(maker: str, email: str) -> str:
    """What an emulated account of this maker is called, so that one address may have one of each."""
    return f"{maker}:{email}"


def played_by(login: str) -> Played | None:
    """The other way round: as whose an emulated account is shown; None where its name does not tell."""
    maker, _, email = login.partition(":")
    label = _MORE_MAKERS.get(maker) or MAKERS.get(maker, (None,))[0]
    return Played(maker, label, email) if email and label else None


def checked_sandbox_login(given: Mapping[str, str]) -> str:
    """The address of mail. Raises Invalid, as a vendor refuses credentials."""
    email = given.get("email", "").strip().lower()
    is_mail = email.endswith(SANDBOX_MAIL) and len(email) > len(SANDBOX_MAIL) and email.isprintable()
    if not is_mail or given.get("password", "").strip() != SANDBOX_PASSWORD:
        raise Invalid(
            "This email and password are not known.",
            code="credentials_refused",
            next_step=f"In a sandbox any address at example.com does, with the password {SANDBOX_PASSWORD}.",
            field="credentials",
        )
    return email


def devices_of(maker: str) -> tuple[EmulatedDevice, ...]:
    """What stands under a fresh account."""
    _, kind = MAKERS[maker]
    return tuple(
        EmulatedDevice(f"{maker}-{room.lower().replace(' ', '-')}", room, maker, kind)
        for room in _ROOMS[kind]
    )


def _of_roster(gate: Gate) -> list[Offer]:
    """All but the emulated vendor, which is for trying things."""
    emulated = gate.emulator.vendor if gate.emulator else None
    return [Offer(v.name, v.label, wanted_by(v)) for v in gate.vendors.values() if v.name != emulated]


def _of_sandbox() -> list[Offer]:
    login = (
        CredentialWanted(
            "email", "Email", False, True, None, "Any address at example.com, such as jane@example.com."
        ),
        CredentialWanted("password", "Password", True, True, None, f"{SANDBOX_PASSWORD} in every sandbox."),
    )
    return [Offer(name, label, login, is_emulated=True) for name, (label, _) in MAKERS.items()]
