"""Connected accounts through the official SDK."""

from __future__ import annotations

import pytest
from seam import SeamHttpApiError
from tests.http.seam.parts import TOKEN, Home

from lockstep.workers.sweeps.sequencer import sequence_all


async def test_an_account_is_described_filtered_synced_and_deleted_through_the_sdk(home: Home) -> None:
    accounts = home.seam.connected_accounts
    (account,) = await home.ask(accounts.list)
    id = account.connected_account_id

    await home.ask(
        accounts.update,
        connected_account_id=id,
        display_name="Harbour flats",
        customer_key="harbour",
        custom_metadata={"floor": "2"},
    )
    changed = await home.ask(accounts.get, connected_account_id=id)
    theirs = await home.ask(accounts.list, customer_key="harbour", custom_metadata_has={"floor": "2"})
    others = await home.ask(accounts.list, customer_key="hill")
    found = [len(await home.ask(accounts.list, search=it)) for it in ("HARBOUR FL", "nuki", id[:20], "hill")]
    home.world.add_lock({"name": "Back door"})
    await home.ask(accounts.sync, connected_account_id=id)
    await home.house.work()
    synced = await home.ask(home.seam.devices.list)
    await home.ask(accounts.delete, connected_account_id=id)

    assert (changed.display_name, changed.custom_metadata) == ("Harbour flats", {"floor": "2"})
    assert ([a.connected_account_id for a in theirs], others) == ([id], [])
    assert found == [1, 1, 1, 0]
    assert "Back door" in [device.display_name for device in synced]
    assert await home.ask(accounts.list) == []
    assert await home.ask(home.seam.devices.list) == []
    with pytest.raises(SeamHttpApiError, match="connected account"):
        await home.ask(accounts.get, connected_account_id=id)


async def test_codes_of_an_account_that_is_deleted_stay_on_its_locks_and_that_is_told(home: Home) -> None:
    lock = await home.lock()
    made = await home.ask(home.seam.access_codes.create, device_id=lock, code="472931")
    home.world.put_code_in_app(home.world.lock_ids()[0], None, {"name": "Grandma", "code": "734512"})
    await home.look(lock)
    assert len(await home.ask(home.seam.access_codes.unmanaged.list, device_id=lock)) == 1
    (account,) = await home.ask(home.seam.connected_accounts.list)
    await home.ask(home.seam.connected_accounts.delete, connected_account_id=account.connected_account_id)

    (nuki,) = [str(id) for id, it in home.world.locks.items() if it.name == "Door 1"]
    assert home.world.enter(nuki, "472931").opened
    assert await home.ask(home.seam.access_codes.list, device_id=lock) == []
    assert await home.ask(home.seam.access_codes.unmanaged.list, device_id=lock) == []
    with pytest.raises(SeamHttpApiError, match="access code"):
        await home.ask(home.seam.access_codes.get, access_code_id=made.access_code_id)
    await sequence_all(home.house.gate)
    found = (await home.raw("/events/list", {"since": "2026-05-01T00:00:00.000Z"})).json()["events"]
    told = {e["event_type"]: e for e in found if e["event_type"].endswith(".deleted")}
    assert set(told) == {"connected_account.deleted", "device.deleted", "access_code.deleted"}
    assert told["connected_account.deleted"]["event_description"].startswith("1 codes may stand")
    assert "manufacturer's app" in told["access_code.deleted"]["event_description"]
    assert told["access_code.deleted"]["access_code_id"] == made.access_code_id


async def test_a_refused_token_is_an_error_of_the_account(home: Home) -> None:
    (before,) = await home.ask(home.seam.connected_accounts.list)

    home.world.revoke(TOKEN)
    await home.ask(home.seam.connected_accounts.sync, connected_account_id=before.connected_account_id)
    await home.house.work()
    (after,) = await home.ask(home.seam.connected_accounts.list)

    assert before.errors == []
    assert [error.error_code for error in after.errors] == ["account_disconnected"]
