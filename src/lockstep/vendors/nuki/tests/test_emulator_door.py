"""The emulated lock decides by itself whether digits open it, and tells the cloud of it in its log."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from lockstep.emulation.door import Why
from lockstep.vendors.nuki.tests.emulated import DIGITS, START, Account


async def test_a_code_opens_from_its_first_instant_until_just_before_its_last() -> None:
    account = Account()
    await account.created(allowedFromDate="2026-11-20T14:00:00Z", allowedUntilDate="2026-11-20T15:00:00Z")
    opened = []
    for at in ("13:59:59", "14:00:00", "14:59:59", "15:00:00"):
        account.clock.set(datetime.fromisoformat(f"2026-11-20T{at}+00:00"))
        opened.append(account.opens())
    assert opened == [False, True, True, False]


@pytest.mark.parametrize(
    ("limits", "at", "why"),
    [
        ({"allowedWeekDays": 4}, "2026-11-20T22:59:00Z", Why.OPENED),
        ({"allowedWeekDays": 4}, "2026-11-20T23:01:00Z", Why.WRONG_DAY),
        ({"allowedWeekDays": 2}, "2026-11-20T23:01:00Z", Why.OPENED),
        ({"allowedWeekDays": 127, "allowedFromTime": 840, "allowedUntilTime": 900}, "2026-11-20T13:00Z", Why.OPENED),
        (
            {"allowedWeekDays": 127, "allowedFromTime": 840, "allowedUntilTime": 900},
            "2026-11-20T14:00Z",
            Why.WRONG_TIME_OF_DAY,
        ),
        ({"allowedFromTime": 0, "allowedUntilTime": 0}, "2026-11-20T23:30Z", Why.OPENED),
        ({"allowedFromTime": 1320, "allowedUntilTime": 120}, "2026-11-21T00:30Z", Why.OPENED),
        ({"allowedFromTime": 840, "allowedUntilTime": 900}, "2027-06-18T12:30Z", Why.OPENED),
    ],
    ids=[
        "Friday in Berlin", "already Saturday in Berlin", "Saturday there", "14:00 in Berlin", "15:00 in Berlin",
        "0 and 0 are the whole day", "over midnight", "14:30 in summer",
    ],
)  # fmt: skip
async def test_weekdays_and_times_are_the_lock_s_local_ones(
    limits: dict[str, Any], at: str, why: Why
) -> None:
    account = Account()
    await account.created(**limits)
    account.clock.set(datetime.fromisoformat(at))
    assert account.world.enter(account.lock, DIGITS).why is why


async def test_a_lock_elsewhere_uses_its_own_time_zone() -> None:
    account = Account()
    lock = account.world.add_lock({"name": "Loft", "time_zone": "America/New_York"})
    body = {"name": "Guest", "type": 13, "code": DIGITS, "allowedFromTime": 420, "allowedUntilTime": 480}
    await account.call("PUT", f"/smartlock/{lock}/auth", body)
    account.wait()
    assert account.world.enter(lock, DIGITS).opened
    account.wait(hours=1)
    assert account.world.enter(lock, DIGITS).why is Why.WRONG_TIME_OF_DAY


async def test_a_disabled_code_opens_nothing() -> None:
    account = Account()
    code = await account.created()
    await account.call("POST", f"/smartlock/{{lock}}/auth/{code['id']}", {"name": "Guest", "enabled": False})
    account.wait()
    assert account.world.enter(account.lock, DIGITS).why is Why.DISABLED


async def test_without_a_keypad_nothing_opens() -> None:
    account = Account()
    await account.created()
    account.world.change_lock(account.lock, {"keypad_paired": False})
    assert not account.opens()


async def test_a_code_used_at_the_door_is_logged_counted_and_opens_the_lock() -> None:
    account = Account()
    code = await account.created()
    assert (await account.call("GET", "/smartlock/{lock}")).json()["state"]["state"] == 1
    account.opens()
    (entry,) = (await account.call("GET", "/smartlock/{lock}/log")).json()
    assert (entry["authId"], entry["name"], entry["source"]) == (code["id"], "Guest", 1)
    assert (entry["action"], entry["trigger"], entry["state"]) == (1, 255, 0)
    (listed,) = await account.codes()
    assert listed["lockCount"] == 1
    assert listed["lastActiveDate"] == "2026-11-20T12:00:10.000Z"
    assert (await account.call("GET", "/smartlock/{lock}")).json()["state"]["state"] == 3


async def test_wrong_digits_are_logged_without_a_name() -> None:
    account = Account()
    account.opens("999999")
    (entry,) = (await account.call("GET", "/smartlock/log")).json()
    assert (entry["state"], entry["name"], entry.get("authId")) == (224, "", None)


async def test_a_log_is_read_newest_first_and_further_back_by_id_dates_and_limit() -> None:
    account = Account()
    code = await account.created()
    for _ in range(60):
        account.opens()
        account.wait(minutes=1)

    async def logged(query: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await account.call("GET", f"/smartlock/{{lock}}/log{query}")).json()
        return entries

    first = await logged("")
    assert len(first) == 20
    assert first[0]["date"] > first[-1]["date"]
    assert len(await logged("?limit=500")) == 50
    older = await logged(f"?id={first[-1]['id']}&limit=50")
    assert len(older) == 40
    assert not {entry["id"] for entry in older} & {entry["id"] for entry in first}
    begins, ends = START + timedelta(minutes=10), START + timedelta(minutes=20)
    window = f"?fromDate={begins:%Y-%m-%dT%H:%M:%SZ}&toDate={ends:%Y-%m-%dT%H:%M:%SZ}"
    assert len(await logged(window)) == 10
    assert len(await logged(f"?authId={code['id']}&limit=50")) == 50
    assert await logged("?action=2") == []
    assert await logged("?accountUserId=7") == []


@pytest.mark.parametrize(
    ("path", "body", "action", "state"),
    [
        ("/smartlock/{lock}/action/unlock", None, 1, 3),
        ("/smartlock/{lock}/action/lock", None, 2, 1),
        ("/smartlock/{lock}/action", {"action": 3}, 3, 5),
        ("/smartlock/{lock}/action", {"action": 2, "option": 4}, 2, 1),
    ],
    ids=["unlock", "lock", "unlatch", "full lock"],
)
async def test_an_action_moves_the_lock_and_is_logged(
    path: str, body: dict[str, int] | None, action: int, state: int
) -> None:
    account = Account()
    assert (await account.call("POST", path, body)).status_code == 204
    assert (await account.call("POST", path, body)).status_code == 423
    account.wait()
    assert (await account.call("GET", "/smartlock/{lock}")).json()["state"]["state"] == state
    (entry,) = (await account.call("GET", "/smartlock/{lock}/log")).json()
    assert (entry["action"], entry["trigger"], entry["name"]) == (action, 4, "Nuki Web")


async def test_an_action_on_an_offline_lock_is_accepted_and_does_nothing() -> None:
    account = Account()
    account.world.take_offline(account.lock)
    assert (await account.call("POST", "/smartlock/{lock}/action/unlock")).status_code == 204
    account.wait()
    assert account.world.lock_state(account.lock)["state"]["state"] == 1


async def test_a_lock_with_auto_lock_locks_by_itself_and_says_so() -> None:
    account = Account()
    config = {"autoLock": True, "autoLockTimeout": 1}
    assert (await account.call("POST", "/smartlock/{lock}/advanced/config", config)).status_code == 204
    account.wait()
    shown = (await account.call("GET", "/smartlock/{lock}")).json()
    assert shown["advancedConfig"]["autoLockTimeout"] == 2
    await account.call("POST", "/smartlock/{lock}/action/unlock")
    account.wait()
    assert (await account.call("GET", "/smartlock/{lock}")).json()["state"]["state"] == 1
    entries = (await account.call("GET", "/smartlock/{lock}/log")).json()
    assert [(entry["action"], entry["trigger"]) for entry in entries] == [(2, 6), (1, 4)]
    for wrong in ({"autoLock": 1}, {"autoLockTimeout": -1}):
        assert (await account.call("POST", "/smartlock/{lock}/advanced/config", wrong)).status_code == 400


async def test_a_box_cannot_be_locked() -> None:
    account = Account()
    box = account.world.add_lock({"name": "Box", "type": 1})
    assert (await account.call("POST", f"/smartlock/{box}/action/lock")).status_code == 405


async def test_battery_and_door_are_reported_while_the_lock_is_online() -> None:
    account = Account()
    account.world.change_lock(account.lock, {"state": {"batteryCharge": 12, "batteryCritical": True}})
    account.world.take_offline(account.lock)
    account.world.change_lock(account.lock, {"state": {"batteryCharge": 9}, "server_state": 4})
    state = (await account.call("GET", "/smartlock/{lock}")).json()["state"]
    assert (state["batteryCharge"], state["batteryCritical"]) == (12, True)


async def test_a_time_zone_set_through_the_api_is_the_door_s() -> None:
    account = Account()
    assert (await account.call("POST", "/smartlock/{lock}/config", {"timezoneId": 29})).status_code == 204
    account.wait()
    assert account.world.lock_state(account.lock)["time_zone"] == "Asia/Tokyo"
    assert (await account.call("GET", "/smartlock/{lock}")).json()["config"]["timezoneId"] == 29
