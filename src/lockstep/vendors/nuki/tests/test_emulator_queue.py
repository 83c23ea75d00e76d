"""What happens between a 204 and the lock."""

import pytest

from lockstep.emulation.faults import FaultKind
from lockstep.vendors.nuki.tests.emulated import DIGITS, Account


async def test_a_204_is_no_proof_the_device_has_the_code_only_after_the_delay() -> None:
    account = Account(write_delay_seconds=30)
    assert (await account.create()).status_code == 204
    account.wait(seconds=29)
    assert not account.opens()
    account.wait(seconds=1)
    assert account.opens()


async def test_a_code_is_listed_after_the_device_has_it() -> None:
    account = Account(listing="after")
    await account.create()
    assert await account.codes() == []
    account.wait()
    (listed,) = await account.codes()
    assert isinstance(listed["authId"], int)


async def test_a_code_listed_before_the_device_has_it_has_no_auth_id_and_an_operation() -> None:
    account = Account(listing="before")
    await account.create()
    (listed,) = await account.codes()
    assert "authId" not in listed
    assert listed["operationId"]
    account.wait()
    (listed,) = await account.codes()
    assert isinstance(listed["authId"], int)
    assert "operationId" not in listed


@pytest.mark.parametrize(("updates_show", "listed_name"), [("after", "Guest"), ("before", "Changed")])
async def test_a_change_is_listed_before_or_after_the_device_has_it(
    updates_show: str, listed_name: str
) -> None:
    account = Account(updates_show=updates_show)
    code = await account.created()
    await account.call("POST", f"/smartlock/{{lock}}/auth/{code['id']}", {"name": "Changed"})
    (listed,) = await account.codes()
    assert (listed["name"], "operationId" in listed) == (listed_name, True)
    account.wait()
    (listed,) = await account.codes()
    assert (listed["name"], "operationId" in listed) == ("Changed", False)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/smartlock/{lock}/auth/ID", {"name": "Other"}),
        ("DELETE", "/smartlock/{lock}/auth/ID", None),
        ("POST", "/smartlock/auth", [{"id": "ID", "name": "Other"}]),
        ("DELETE", "/smartlock/auth", ["ID"]),
    ],
    ids=["change", "delete", "change many", "delete many"],
)
async def test_while_an_operation_is_pending_further_changes_answer_423(
    method: str, path: str, body: object
) -> None:
    account = Account()
    id = (await account.created())["id"]
    await account.call("POST", f"/smartlock/{{lock}}/auth/{id}", {"name": "Changed"})
    text = account.http.build_request(method, "/", json=body).content.decode().replace("ID", id)
    url = path.replace("{lock}", account.lock).replace("ID", id)
    reply = await account.http.request(method, url, content=text)
    assert (reply.status_code, reply.json()) == (423, {"stackTrace": [], "suppressedExceptions": []})
    account.wait()
    (listed,) = await account.codes()
    assert listed["name"] == "Changed"


async def test_the_last_accepted_update_of_a_burst_is_not_applied_where_the_switch_says_so() -> None:
    account = Account(burst_loses_last=True)
    path = f"/smartlock/{{lock}}/auth/{(await account.created())['id']}"
    assert (await account.call("POST", path, {"name": "Guest", "code": 555553})).status_code == 204
    assert (await account.call("POST", path, {"name": "Guest", "code": 555554})).status_code == 204
    account.wait(seconds=2)
    assert (await account.call("POST", path, {"name": "Guest", "code": 555555})).status_code == 423
    account.wait()
    assert account.on_lock() == ["555553"]


async def test_a_write_may_land_hours_after_everybody_gave_it_up() -> None:
    account = Account(listing="before")
    account.strike(FaultKind.WRITE_LATE, seconds=4 * 3600)
    await account.create()
    account.wait(hours=1)
    (listed,) = await account.codes()
    assert "authId" not in listed
    assert "operationId" not in listed
    await account.call("DELETE", f"/smartlock/{{lock}}/auth/{listed['id']}")
    account.wait()
    assert await account.codes() == []
    account.wait(hours=3)
    assert account.opens()
    assert len(await account.codes()) == 1


async def test_a_write_may_be_accepted_and_lost() -> None:
    account = Account()
    account.strike(FaultKind.WRITE_LOST)
    assert (await account.create()).status_code == 204
    account.wait(days=2)
    assert account.on_lock() == []
    assert await account.codes() == []


async def test_an_offline_lock_loses_writes() -> None:
    account = Account(offline_writes="lost")
    account.world.take_offline(account.lock)
    assert (await account.create()).status_code == 204
    account.wait()
    account.world.bring_online(account.lock)
    account.wait(days=2)
    assert account.on_lock() == []


async def test_an_offline_lock_gets_kept_writes_once_it_is_back() -> None:
    account = Account(offline_writes="kept")
    code = await account.created()
    account.world.take_offline(account.lock)
    await account.call("POST", f"/smartlock/{{lock}}/auth/{code['id']}", {"name": "Guest", "code": 987654})
    account.wait(hours=1)
    assert account.on_lock() == [DIGITS]
    assert "operationId" in (await account.codes())[0]
    account.world.bring_online(account.lock)
    account.wait()
    assert account.on_lock() == ["987654"]
    assert "operationId" not in (await account.codes())[0]


async def test_an_offline_lock_is_shown_with_server_state_4_and_its_keypad_goes_on() -> None:
    account = Account()
    await account.created()
    account.world.take_offline(account.lock)
    (lock,) = (await account.call("GET", "/smartlock")).json()
    assert lock["serverState"] == 4
    assert account.opens()
    assert (await account.call("GET", "/smartlock/log")).json() == []
    account.world.bring_online(account.lock)
    assert len((await account.call("GET", "/smartlock/log")).json()) == 1


async def test_a_lost_change_leaves_what_the_device_holds_listed() -> None:
    account = Account(updates_show="before")
    code = await account.created()
    account.strike(FaultKind.WRITE_LOST)
    await account.call("POST", f"/smartlock/{{lock}}/auth/{code['id']}", {"name": "Changed"})
    account.wait()
    assert (await account.codes())[0]["name"] == "Guest"


async def test_a_deleted_code_may_stay_listed_and_its_digits_taken_until_a_sync() -> None:
    account = Account(deletes_leave_ghosts=True)
    code = await account.created()
    path = f"/smartlock/{{lock}}/auth/{code['id']}"
    assert (await account.call("DELETE", path)).status_code == 204
    account.wait()
    assert account.on_lock() == []
    assert len(await account.codes()) == 1
    assert (await account.create()).status_code == 409
    assert (await account.call("DELETE", path)).status_code == 204
    account.wait()
    assert len(await account.codes()) == 1
    assert (await account.call("POST", "/smartlock/{lock}/sync")).status_code == 204
    account.wait()
    assert await account.codes() == []
    assert (await account.create()).status_code == 204


async def test_a_change_in_the_app_reaches_the_cloud_only_in_the_daily_sync() -> None:
    account = Account(app_changes="daily", daily_sync_minute=180)
    reference = account.world.put_code_in_app(account.lock, None, {"name": "Cleaner", "code": 456789})
    assert account.opens("456789")
    account.wait(hours=14)
    assert await account.codes() == []
    account.wait(hours=1)
    (listed,) = await account.codes()
    assert (listed["name"], str(listed["authId"])) == ("Cleaner", reference)
    account.world.delete_code_in_app(account.lock, reference)
    assert not account.opens("456789")
    assert len(await account.codes()) == 1
    account.wait(days=1)
    assert await account.codes() == []


async def test_a_sync_brings_what_was_edited_in_the_app_at_once() -> None:
    account = Account()
    code = await account.created(allowedUntilDate="2026-12-24T10:00:00Z")
    account.world.put_code_in_app(account.lock, code["id"], {"code": 987654})
    assert (await account.codes())[0]["code"] == int(DIGITS)
    await account.call("POST", "/smartlock/{lock}/sync")
    account.wait()
    (listed,) = await account.codes()
    assert listed["code"] == 987654
    assert listed["id"] == code["id"]
    assert listed["allowedUntilDate"] == code["allowedUntilDate"]


async def test_with_its_switch_a_change_in_the_app_reaches_the_cloud_at_once() -> None:
    account = Account(app_changes="at_once")
    account.world.put_code_in_app(account.lock, None, {"name": "Cleaner", "code": 456789})
    assert len(await account.codes()) == 1


async def test_a_sync_of_an_offline_lock_changes_nothing() -> None:
    account = Account()
    account.world.put_code_in_app(account.lock, None, {"name": "Cleaner", "code": 456789})
    account.world.take_offline(account.lock)
    assert (await account.call("POST", "/smartlock/{lock}/sync")).status_code == 204
    account.wait(days=2)
    assert await account.codes() == []


async def test_digits_made_in_the_app_that_the_cloud_does_not_know_are_refused_by_the_device() -> None:
    account = Account(listing="before")
    account.world.put_code_in_app(account.lock, None, {"name": "Cleaner", "code": DIGITS})
    assert (await account.create()).status_code == 204
    account.wait()
    (listed,) = await account.codes()
    assert listed["error"] == "2a"
    assert "authId" not in listed


async def test_one_code_too_many_is_refused_by_the_device_or_by_the_cloud() -> None:
    account = Account(full_refused_by="lock")
    account.world.change_lock(account.lock, {"most_codes": 1})
    await account.created()
    assert (await account.create("987654", "Next")).status_code == 204
    account.wait()
    assert account.on_lock() == [DIGITS]
    account.world.change_settings({"full_refused_by": "cloud"})
    assert (await account.create("987654", "Next")).status_code == 409


@pytest.mark.parametrize(("type_", "most"), [(0, 100), (4, 200)], ids=["Smart Lock 2.0", "Smart Lock 3.0"])
async def test_most_codes_follow_from_the_lock_s_generation(type_: int, most: int) -> None:
    account = Account()
    lock = account.world.add_lock({"name": "Cellar", "type": type_})
    assert account.world.lock_state(lock)["most_codes"] == most


async def test_without_its_own_access_nuki_web_reaches_the_lock_no_more() -> None:
    account = Account()
    (own,) = (await account.call("GET", "/smartlock/{lock}/auth?types=0")).json()
    assert own["name"] == "Nuki Web"
    await account.call("DELETE", f"/smartlock/{{lock}}/auth/{own['id']}")
    account.wait()
    account.world.take_offline(account.lock)
    account.world.bring_online(account.lock)
    assert (await account.call("GET", "/smartlock/{lock}")).json()["serverState"] == 3
    assert (await account.create()).status_code == 204
    account.wait()
    assert account.on_lock() == []


async def test_a_lock_that_left_the_account_takes_no_write_any_more() -> None:
    account = Account()
    await account.create()
    assert (await account.call("DELETE", "/smartlock/{lock}")).status_code == 204
    account.wait()
    assert (await account.call("GET", "/smartlock/auth")).json() == []
    assert (await account.call("GET", "/smartlock/{lock}")).status_code == 404
