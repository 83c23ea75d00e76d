"""What is told together with events that are shown: accounts of devices, digits of codes, methods of grants, as they
are now. Knows no kind of event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lockstep.model.event import RecordedEvent
from lockstep.operations.gate import Tx
from lockstep.storage import event_surroundings as stored
from lockstep.storage.event_surroundings import AccountAround, DeviceAround, SpaceAround
from lockstep.storage.event_surroundings import CodeAround as StoredCode
from lockstep.storage.event_surroundings import GrantAround as GrantAround


@dataclass(frozen=True, slots=True)
class CodeAround:
    """`digits`: as they are declared now; None for whoever may not read codes. `revisions`: those that had the same."""

    name: str | None = field(repr=False)
    digits: str | None = field(repr=False)
    revisions: frozenset[int]

    def digits_at(self, revision: int | None) -> str | None:
        """The digits of this revision, where they are known still; None of the newest."""
        return self.digits if revision is None or revision in self.revisions else None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """By public id. What has been removed since is not there."""

    devices: Mapping[str, DeviceAround]
    accounts: Mapping[str, AccountAround]
    """Also those of the devices."""
    codes: Mapping[str, CodeAround]
    grants: Mapping[str, GrantAround]
    spaces: Mapping[str, SpaceAround]


async def around(
    tx: Tx, events: Iterable[RecordedEvent], *, with_digits: bool, with_names: bool
) -> Surroundings:
    """Of what these events are about. Whether digits and names may be shown is for the caller to say."""
    ids: dict[str, set[str]] = {"device_id": set(), "access_code_id": set(), "access_grant_id": set()}
    spaces: set[str] = set()
    accounts: set[str] = set()
    for event in events:
        for name, wanted in ids.items():
            if name in event.subjects:
                wanted.add(event.subjects[name])
        spaces |= {event.subjects[name] for name in ("property_id", "space_id") if name in event.subjects}
        if "connected_account_id" in event.subjects:
            accounts.add(event.subjects["connected_account_id"])
    devices, codes, grants = (sorted(wanted) for wanted in ids.values())
    db, workspace_id = tx.db, tx.workspace_id
    found = await stored.devices(db, workspace_id, devices) if devices else []
    accounts |= {d.account_public_id for d in found}
    of_accounts = await stored.accounts(db, workspace_id, sorted(accounts)) if accounts else []
    of_grants = await stored.grants(db, workspace_id, grants) if grants else []
    codes = sorted({*codes, *(g.code_public_id for g in of_grants if g.code_public_id is not None)})
    of_codes = await stored.codes(db, workspace_id, codes) if codes else []
    of_spaces = await stored.spaces(db, workspace_id, sorted(spaces)) if spaces else []
    return Surroundings(
        {d.public_id: d for d in found},
        {a.public_id: a for a in of_accounts},
        {c.public_id: _code(tx, c, with_digits=with_digits, with_names=with_names) for c in of_codes},
        {g.public_id: g for g in of_grants},
        {s.public_id: s for s in of_spaces},
    )


def _code(tx: Tx, row: StoredCode, *, with_digits: bool, with_names: bool) -> CodeAround:
    digits = None
    if with_digits and row.digits is not None:
        digits = tx.open(row.digits, "entries", "digits", row.entry_id)
    return CodeAround(row.name if with_names else None, digits, frozenset(row.revisions))
