"""Vendors as the ways in see them: what each asks for, and what it says to credentials. Stores nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lockstep.driver.contract import Description, Vendor
from lockstep.driver.outcomes import CredentialsRefused, DriverError, VendorAddressRefused, words_of
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations.errors import Invalid, VendorFailed
from lockstep.operations.gate import Gate


@dataclass(frozen=True, slots=True)
class CredentialWanted:
    """One thing to give when an account is connected."""

    name: str
    label: str
    is_secret: bool
    """Sealed, and never shown again."""
    is_required: bool
    default: str | None
    help: str


@dataclass(frozen=True, slots=True)
class VendorOffered:
    """A vendor whose accounts can be connected."""

    vendor: str
    label: str
    credentials: tuple[CredentialWanted, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the vendor said to credentials: they work, and this is under them. Made by `ask_vendor`."""

    vendor: str
    credentials: Mapping[str, str] = field(repr=False)
    label: str
    description: Description


def listed(gate: Gate, actor: Actor) -> list[VendorOffered]:
    """The roster, with what each asks for."""
    require(actor, Scope.ACCOUNTS_READ)
    return [
        VendorOffered(
            v.name,
            v.label,
            wanted_by(v),
        )
        for _, v in sorted(gate.vendors.items())
    ]


def wanted_by(vendor: Vendor) -> tuple[CredentialWanted, ...]:
    """What it asks for when an account is connected."""
    return tuple(
        CredentialWanted(f.name, f.label, f.is_secret, f.is_required, f.default, f.help)
        for f in vendor.credential_fields
    )


def label_of(gate: Gate, vendor: str) -> str:
    """A vendor's name for people; its own where it is no longer here."""
    found = gate.vendors.get(vendor)
    return found.label if found else vendor


def checked_credentials(gate: Gate, vendor_name: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """All that the vendor wants and nothing else. Raises Invalid, which names what is missing and shows no value."""
    vendor = gate.vendors.get(vendor_name)
    if vendor is None:
        names = ", ".join(sorted(gate.vendors))
        raise Invalid(
            f"There is no vendor {vendor_name[:40]!r} here.",
            code="vendor_unknown",
            next_step=f"Give one of: {names}.",
            field="vendor",
        )
    given = {name: value.strip() for name, value in credentials.items()}
    for name, value in given.items():
        # All of today's go into a header, which takes no others.
        if not value.isascii() or not value.isprintable():
            raise Invalid(
                f"The credential {name[:40]!r} holds characters that cannot be sent.",
                code="credential_unreadable",
                next_step="Copy it once more; it is one line of text.",
                field=f"credentials.{name[:40]}",
            )
    for wanted in vendor.credential_fields:
        if not given.get(wanted.name):
            if wanted.default is not None:
                given[wanted.name] = wanted.default
            elif wanted.is_required:
                raise Invalid(
                    f"The credential {wanted.name} is missing ({wanted.label}).",
                    code="credential_missing",
                    next_step=wanted.help or f"Give {wanted.name}.",
                    field=f"credentials.{wanted.name}",
                )
    unknown = set(given) - {f.name for f in vendor.credential_fields}
    if unknown:
        raise Invalid(
            f"The vendor {vendor_name} knows no credential {min(unknown)[:40]!r}.",
            code="credential_unknown",
            next_step="Give only: " + ", ".join(f.name for f in vendor.credential_fields) + ".",
            field="credentials",
        )
    return given


async def described(gate: Gate, vendor: str, credentials: Mapping[str, str]) -> Description:
    """Ask the vendor what is under an account. Raises Invalid where it refuses the credentials, VendorFailed."""
    driver = gate.vendors[vendor].connect(credentials, http=gate.vendor_http, clock=gate.clock)
    try:
        return await driver.describe()
    except CredentialsRefused as refused:
        raise Invalid(
            "The vendor refuses these credentials.",
            code="credentials_refused",
            next_step="Make new ones at the vendor and give these.",
            field="credentials",
        ) from refused
    except VendorAddressRefused as refused:
        cause, next_step = words_of(refused)
        raise Invalid(
            cause, code=refused.code, next_step=next_step, field="credentials.endpoint"
        ) from refused
    except DriverError as error:
        raise VendorFailed(
            f"{gate.vendors[vendor].label} could not be asked. {words_of(error)[0]}",
            code=error.code,
            next_step="Nothing was stored. Check what you gave, then try again in some minutes.",
        ) from error
