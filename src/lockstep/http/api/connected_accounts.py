"""/v1/connected_accounts and /v1/vendors: accounts at vendors, and what each vendor asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import Body
from pydantic import Field, StrictStr
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import LongText, PathId, Sent, Text
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.problems import MEDIA_TYPE
from lockstep.http.api.routing import Router
from lockstep.operations import accounts, callbacks, vendors
from lockstep.operations.accounts import Connect, ConnectedAccount
from lockstep.operations.vendors import VendorOffered

router = Router(prefix="/v1", tags=["Connected accounts"])

_VENDOR_FAILED: dict[int | str, dict[str, Any]] = {
    502: {
        "description": "The vendor could not be asked; nothing was stored.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}

Credentials = Annotated[
    dict[Annotated[StrictStr, Field(max_length=100)], LongText],
    Field(max_length=20, examples=[{"token": "the token that the vendor gave you"}]),
]
"""By the names that `GET /v1/vendors` lists."""


class Connection(Sent):
    """An account at a vendor."""

    vendor: Annotated[Text, Field(examples=["nuki"])]
    credentials: Credentials
    label: Annotated[Text | None, Field(examples=["Harbour flats"])] = None
    """Left out: the vendor's name."""


class NewCredentials(Sent):
    """All credentials anew, those that did not change too."""

    credentials: Credentials


class Disconnection(Sent):
    """`remove` takes our codes off the locks first; `leave` leaves them there, and nobody looks after them."""

    codes: Literal["remove", "leave"] | None = None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """`callback_path` is shown once: below this installation's public address it is where the vendor may call us, for
    whoever registers that by hand and gives its secret with the credentials."""

    connected_account: ConnectedAccount
    callback_path: str = field(repr=False)


@router.get("/vendors", response_model=Page[VendorOffered])
async def list_vendors(call: Asked) -> Response:
    """List vendors, with the credentials that each asks for."""
    return answer(Page(vendors.listed(call.gate, call.actor), None, has_more=False))


@router.get("/connected_accounts", response_model=Page[ConnectedAccount])
async def list_connected_accounts(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """List accounts, disconnected ones too, oldest first."""
    behind = call.place("connected_accounts", cursor) or ""
    rows = await call.read(lambda tx: accounts.listed(tx, call.actor))
    found = [accounts.shown(row) for row in rows if row.public_id > behind]
    return call.page("connected_accounts", found, limit, lambda account: account.connected_account_id)


@router.post("/connected_accounts", response_model=NewAccount, status_code=201, responses=_VENDOR_FAILED)
async def connect_account(call: Asked, body: Connection) -> Response:
    """Connect an account.

    The vendor is asked whether the credentials work and which locks there are; then they are kept, sealed. An account
    that is connected already is a conflict, and nothing of it is replaced.
    """
    command = Connect(body.vendor, body.credentials, body.label or "")
    return await call.change_after(
        lambda gate: accounts.ask_vendor(gate, call.actor, command),
        lambda tx, checked: accounts.add(tx, call.actor, checked),
        lambda new: NewAccount(accounts.shown(new.account), callbacks.path_of(new.callback_token)),
        status=201,
    )


@router.get("/connected_accounts/{connected_account_id}", response_model=ConnectedAccount)
async def get_connected_account(call: Asked, connected_account_id: PathId) -> Response:
    """Show one account, and what is wrong with it."""
    row = await call.read(lambda tx: accounts.get(tx, call.actor, connected_account_id))
    return answer(accounts.shown(row))


@router.put(
    "/connected_accounts/{connected_account_id}/credentials",
    response_model=ConnectedAccount,
    responses=_VENDOR_FAILED,
)
async def change_credentials(call: Asked, connected_account_id: PathId, body: NewCredentials) -> Response:
    """Give an account new credentials, of the same vendor account; they are tried before the old ones are forgotten."""
    return await call.change_after(
        lambda gate: accounts.ask_vendor_again(gate, call.actor, connected_account_id, body.credentials),
        lambda tx, checked: accounts.replace_credentials(tx, call.actor, connected_account_id, checked),
        accounts.shown,
    )


@router.post("/connected_accounts/{connected_account_id}/look", response_model=ConnectedAccount)
async def look_at_connected_account(call: Asked, connected_account_id: PathId) -> Response:
    """Look at an account soon: ask the vendor which devices there are, as after a lock was added."""
    return await call.change(
        lambda tx: accounts.look_now(tx, call.actor, connected_account_id), accounts.shown
    )


@router.post("/connected_accounts/{connected_account_id}/disconnect", response_model=ConnectedAccount)
async def disconnect_account(
    call: Asked, connected_account_id: PathId, body: Annotated[Disconnection | None, Body()] = None
) -> Response:
    """Disconnect an account, saying what becomes of our codes on its locks.

    With `remove` it is `disconnecting` until all of them are proven gone. Its credentials are forgotten at the end.
    """
    codes = body.codes if body else None
    return await call.change_after(
        lambda gate: callbacks.withdraw(gate, call.actor, connected_account_id, codes),
        lambda tx, _: accounts.disconnect(tx, call.actor, connected_account_id, codes),
        accounts.shown,
    )
