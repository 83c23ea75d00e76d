"""The virtual vendor's line in the roster: its name, its credentials, its catalogue, a driver for an account."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import httpx2
import msgspec

from lockstep.driver.contract import Callback, CredentialField, Driver, Fleet
from lockstep.kit.clock import Clock
from lockstep.vendors.virtual import wire
from lockstep.vendors.virtual.callbacks import read_callback
from lockstep.vendors.virtual.client import Client
from lockstep.vendors.virtual.convert import capabilities_of
from lockstep.vendors.virtual.driver import VirtualDriver

ENDPOINT = "http://127.0.0.1:8091"


class _Virtual:
    """Satisfies `lockstep.driver.contract.Vendor`."""

    name = "virtual"
    label = "Virtual locks"
    credential_fields = (
        CredentialField(
            "endpoint",
            "Address of the API",
            is_secret=False,
            is_required=False,
            default=ENDPOINT,
            help="Where `lockstep emulate virtual` listens.",
        ),
        CredentialField("token", "Token", help="The emulator takes virtual-token unless told otherwise."),
    )

    @property
    def fleet(self) -> tuple[Fleet, ...]:
        """The vendor's catalogue."""
        return _catalogue()

    def connect(self, credentials: Mapping[str, str], *, http: httpx2.AsyncClient, clock: Clock) -> Driver:
        """A driver for one account; `credentials` as `credential_fields` names them."""
        endpoint = credentials.get("endpoint") or ENDPOINT
        return VirtualDriver(Client(http, endpoint, credentials["token"]), clock)

    def read_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
        """Pure. Raises CallbackRefused."""
        return read_callback(headers, body, secret)


VIRTUAL = _Virtual()


@cache
def _catalogue() -> tuple[Fleet, ...]:
    models: dict[str, Any] = msgspec.json.decode(files(__package__).joinpath("models.json").read_bytes())
    return tuple(
        Fleet(name, capabilities_of(msgspec.convert(model["features"], wire.Features)))
        for name, model in models.items()
    )
