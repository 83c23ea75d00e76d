"""Nuki by its Web API: the vendor's line of the roster. What the driver does is told in README.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from lockstep.driver.contract import Callback, CredentialField, Driver, Fleet
from lockstep.kit.clock import Clock
from lockstep.vendors.nuki import callbacks
from lockstep.vendors.nuki.client import Client
from lockstep.vendors.nuki.driver import NukiDriver
from lockstep.vendors.nuki.limits import FLEET

ENDPOINT = "https://api.nuki.io"


@dataclass(frozen=True, slots=True)
class NukiVendor:
    """Smart Locks, Openers and Smart Doors with a Nuki keypad, through an account of Nuki Web."""

    name: str = "nuki"
    label: str = "Nuki"
    credential_fields: tuple[CredentialField, ...] = (
        CredentialField(
            "token",
            "API token",
            help="Nuki Web > API > Generate API token, all scopes for smart locks. A new password ends it.",
        ),
        CredentialField(
            "endpoint", "Address of the API", is_secret=False, is_required=False, default=ENDPOINT
        ),
        CredentialField(
            "webhook_secret",
            "Secret of the decentral webhook",
            is_required=False,
            help="Only of a webhook that you registered yourself, with Lockstep's address for this account.",
        ),
    )
    fleet: tuple[Fleet, ...] = FLEET

    def connect(self, credentials: Mapping[str, str], *, http: httpx2.AsyncClient, clock: Clock) -> Driver:
        """A driver for one account; `credentials` as `credential_fields` names them."""
        token = credentials["token"]
        return NukiDriver(Client(http, credentials.get("endpoint") or ENDPOINT, token), clock, token)

    def read_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
        """Which locks a call of the vendor points at. Pure. Raises CallbackRefused."""
        return callbacks.read_callback(headers, body, secret)


NUKI = NukiVendor()
