"""Access grants through the official SDK: a stay in a space, down to the emulated locks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from seam import SeamHttpApiError, SeamHttpInvalidInputError
from tests.http.seam.parts import Home

STAY = {"starts_at": "2026-06-02T14:00:00.000Z", "ends_at": "2026-06-04T10:00:00.000Z"}


def held(home: Home) -> list[list[str]]:
    """The codes on each lock."""
    return [[entry.code for entry in lock.door] for lock in home.world.locks.values()]


async def test_a_grant_of_a_space_puts_one_code_on_its_locks_opens_them_in_its_time_and_ends(
    home: Home,
) -> None:
    ask, seam = home.ask, home.seam
    locks = [await home.lock(0), await home.lock(1)]
    space = await ask(seam.spaces.create, name="Villa", space_key="villa", device_ids=locks)
    made: Any = await ask(
        seam.access_grants.create,
        user_identity={"full_name": "Anna Smith", "email_address": "anna@example.com"},
        space_ids=[space.space_id],
        requested_access_methods=[{"mode": "code", "code": "472931"}],
        access_grant_key="stay-1",
        **STAY,
    )
    anna = await ask(seam.user_identities.get, user_identity_id=made.user_identity_id)
    assert (anna.full_name, made.space_ids, made.ends_at) == ("Anna Smith", [space.space_id], STAY["ends_at"])
    method = {"access_method_id": made.access_method_ids[0]}
    first = await ask(seam.access_methods.get, **method)
    assert (first.mode, first.code, first.is_issued) == ("code", "472931", False)
    door = {**method, "acs_entrance_id": locks[0]}
    with pytest.raises(SeamHttpInvalidInputError, match="not valid now"):
        await ask(seam.access_methods.unlock_door, **door)

    home.house.clock.advance(timedelta(days=2))
    await home.settle()
    assert held(home) == [["472931"], ["472931"]]
    assert (await ask(seam.access_methods.get, **method)).is_issued
    opened: Any = await ask(seam.access_methods.unlock_door, **door)
    assert opened.status == "success"
    codes = await ask(seam.access_codes.list, access_grant_id=made.access_grant_id)
    assert {(code.device_id, code.code, code.status) for code in codes} == {
        (id, "472931", "set") for id in locks
    }
    related: Any = await ask(seam.access_grants.get_related, access_grant_keys=["stay-1"])
    assert [it["space_key"] for it in related.spaces] == ["villa"]

    later = "2026-06-05T10:00:00.000Z"
    await ask(seam.access_grants.update, access_grant_id=made.access_grant_id, ends_at=later)
    await ask(seam.spaces.remove_devices, space_id=space.space_id, device_ids=[locks[1]])
    await home.settle()
    assert held(home) == [["472931"], []], "a lock that is no more of the space"
    assert (await ask(seam.access_grants.get, access_grant_key="stay-1")).ends_at == later

    await ask(seam.access_grants.delete, access_grant_id=made.access_grant_id)
    await home.settle()
    assert held(home) == [[], []]
    with pytest.raises(SeamHttpApiError) as gone:
        await ask(seam.access_grants.get, access_grant_id=made.access_grant_id)
    assert (gone.value.status_code, gone.value.code) == (404, "access_grant_not_found")
    with pytest.raises(SeamHttpApiError) as closed:
        await ask(seam.access_methods.unlock_door, **door)
    assert (closed.value.status_code, closed.value.code) == (404, "access_method_not_found")
