"""So many acts a minute on each device, as Seam documents them, where the workspace counts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.http.seam.parts import Home, set_paced
from tests.operations.places import until_somebody_waits

from lockstep.http.seam.present.ids import asked
from lockstep.operations import lock_codes, paces
from lockstep.operations.errors import TooFast
from lockstep.operations.lock_codes import ChangeCode
from lockstep.operations.paces import Act


async def _after(home: Home, path: str, bodies: list[dict[str, Any]]) -> tuple[int, dict[str, str]]:
    """Status and headers of the last, where all before it were good."""
    await set_paced(home.house, is_paced=True)
    *good, last = bodies
    for body in good:
        answer = await home.raw(path, body)
        assert answer.status_code == 200, answer.text
    answer = await home.raw(path, last)
    return answer.status_code, dict(answer.headers)


@pytest.mark.parametrize(
    ("path", "a_minute"), [("/access_codes/create", 10), ("/locks/unlock_door", 15), ("/locks/lock_door", 15)]
)
async def test_one_more_than_a_minute_allows_is_refused_and_told_when_to_come_again(
    home: Home, path: str, a_minute: int
) -> None:
    lock = await home.lock()
    status, headers = await _after(home, path, [{"device_id": lock}] * (a_minute + 1))
    assert (status, headers["retry-after"]) == (429, str(60 // a_minute))
    assert (await home.raw(path, {"device_id": await home.lock(1)})).status_code == 200, "another device"

    home.house.clock.set(home.house.clock.now() + timedelta(seconds=60 / a_minute))
    assert (await home.raw(path, {"device_id": lock})).status_code == 200
    assert (await home.raw(path, {"device_id": lock})).status_code == 429
    await set_paced(home.house, is_paced=False)
    assert (await home.raw(path, {"device_id": lock})).status_code == 200


async def test_changes_and_removals_of_codes_count_for_their_lock(home: Home) -> None:
    made = [
        (await home.raw("/access_codes/create", {"device_id": await home.lock()})).json()["access_code"]
        for _ in range(21)
    ]
    named = [{"access_code_id": made[n % 2]["access_code_id"], "name": f"Guest {n}"} for n in range(11)]
    assert (await _after(home, "/access_codes/update", named))[0] == 429
    gone = [{"access_code_id": code["access_code_id"]} for code in made]
    assert (await _after(home, "/access_codes/delete", gone))[0] == 429


async def test_a_change_of_codes_that_share_a_key_counts_for_each_of_their_locks(home: Home) -> None:
    locks = [await home.lock(0), await home.lock(1)]
    (one, _) = (await home.raw("/access_codes/create_multiple", {"device_ids": locks})).json()["access_codes"]
    named = [{"common_code_key": one["common_code_key"], "name": f"Guest {n}"} for n in range(11)]
    assert (await _after(home, "/access_codes/update_multiple", named))[0] == 429
    kept = await home.ask(home.seam.access_codes.get, access_code_id=one["access_code_id"])
    assert kept.name == "Guest 9", "nothing of what was refused"


async def test_whoever_waits_for_others_who_take_the_last_is_refused_too(home: Home) -> None:
    await set_paced(home.house, is_paced=True)
    lock, gate, actor = asked("lock", await home.lock()), home.house.gate, home.house.actor

    async def create() -> None:
        async with gate.transaction(actor.workspace_id) as tx:
            await paces.spend(tx, Act.CREATE_CODE, lock)

    async with gate.transaction(actor.workspace_id) as tx:
        for _ in range(10):
            await paces.spend(tx, Act.CREATE_CODE, lock)
        waiting = asyncio.create_task(create())
        await until_somebody_waits(gate)
    with pytest.raises(TooFast) as refused:
        await waiting
    assert refused.value.retry_after_seconds == 6


async def test_whoever_changes_codes_of_a_key_holds_none_while_others_have_the_token(home: Home) -> None:
    await set_paced(home.house, is_paced=True)
    gate, actor, at = home.house.gate, home.house.actor, await home.lock()
    made = (await home.raw("/access_codes/create", {"device_id": at, "common_code_key": "k"})).json()
    code_id = asked("code", made["access_code"]["access_code_id"])
    async with gate.transaction(actor.workspace_id) as tx:
        await paces.spend_on_code(tx, Act.UPDATE_CODE, code_id)
        body = {"common_code_key": "k", "name": "Bea"}
        other = asyncio.create_task(home.raw("/access_codes/update_multiple", body))
        await until_somebody_waits(gate)
        await lock_codes.change(tx, actor, code_id, ChangeCode("Anna"))
    assert (await other).status_code == 200
