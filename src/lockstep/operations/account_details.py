"""What callers give an account besides credentials: whose it is, their own values, and what is taken in from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lockstep.operations.custom_metadata import laid_over
from lockstep.operations.gate import Tx
from lockstep.operations.words import words_or_none
from lockstep.storage import accounts
from lockstep.storage.accounts import AccountRow


@dataclass(frozen=True, slots=True)
class Details:
    """What is None stays as it is; values of the caller's own are laid over those that there are."""

    label: str | None = None
    customer_key: str | None = field(default=None, repr=False)
    custom_metadata: Mapping[str, str | bool | None] = field(default_factory=dict)
    accepted_kinds: tuple[str, ...] | None = None
    """Of devices that are taken in from now on; those that are there stay. None at all: of every kind."""
    manages_new_devices: bool | None = None
    connect_webview_id: str | None = None
    """The link by which it was connected; told in the event."""


def with_details(row: AccountRow, given: Details) -> AccountRow:
    """The account as it then is; stores nothing. Raises Invalid."""
    kinds = row.accepted_kinds if given.accepted_kinds is None else (list(given.accepted_kinds) or None)
    manages = row.manages_new_devices if given.manages_new_devices is None else given.manages_new_devices
    return replace(
        row,
        label=words_or_none(given.label, "label") or row.label,
        customer_key=words_or_none(given.customer_key, "customer_key") or row.customer_key,
        custom_metadata=laid_over(row.custom_metadata, given.custom_metadata),
        accepted_kinds=kinds,
        manages_new_devices=manages,
    )


async def give(tx: Tx, row: AccountRow, given: Details) -> AccountRow:
    """Store it; returns the account as it is then. Raises Invalid."""
    after = with_details(row, given)
    if after != row:
        await accounts.describe(tx.db, tx.workspace_id, after)
    return after
