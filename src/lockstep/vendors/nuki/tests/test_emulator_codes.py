"""The emulator's rules for keypad codes and other authorizations, as the vendor's server words them."""

from typing import Any

import pytest

from lockstep.emulation.faults import FaultKind
from lockstep.vendors.nuki.tests.emulated import DIGITS, Account

FULL_LIMITS: dict[str, Any] = {
    "allowedFromDate": "2026-11-20T14:00:00.000Z",
    "allowedUntilDate": "2026-11-23T10:00:00.000Z",
    "allowedWeekDays": 127,
    "allowedFromTime": 0,
    "allowedUntilTime": 0,
}


def _refused(name: str, value: object) -> str:
    return f"The supplied value '{value}' for parameter '{name}' is not valid"


@pytest.mark.parametrize(
    ("body", "parameter", "value"),
    [
        ({"code": 345670}, "code", "345670"),
        ({"code": 123456}, "code", "123456"),
        ({"code": 34567}, "code", "34567"),
        ({"code": "3456789"}, "code", "3456789"),
        ({"code": None}, "code", "null"),
        ({"code": True}, "code", "True"),
        ({"type": 0, "code": 245678, "remoteAllowed": True, "accountUserId": 7}, "code", "245678"),
        ({"type": 0, "code": None, "remoteAllowed": True}, "accountUserId", "null"),
        ({"type": 0, "code": None, "remoteAllowed": True, "accountUserId": 7}, "accountUserId", "7"),
        ({"type": 0, "code": None, "accountUserId": 7}, "remoteAllowed", "null"),
        ({"type": 5}, "type", "5"),
        ({"allowedWeekDays": 128}, "allowedWeekDays", "128"),
        ({"allowedFromTime": -1}, "allowedFromTime", "-1"),
        ({"allowedFromDate": "yesterday"}, "allowedFromDate", "yesterday"),
        (
            {"allowedFromDate": "2026-11-20T14:00:00Z", "allowedUntilDate": "2026-11-20T14:00:00Z"},
            "allowedUntilDate",
            "2026-11-20T14:00:00Z",
        ),
    ],
    ids=[
        "a zero", "starts with 12", "five digits", "seven digits", "no digits", "a flag for digits",
        "an app with digits", "an app for nobody", "an app for a stranger", "remoteAllowed left out", "type",
        "weekdays", "time", "date", "empty window",
    ],
)  # fmt: skip
async def test_a_field_against_the_rules_is_a_400_that_names_it(
    body: dict[str, Any], parameter: str, value: str
) -> None:
    account = Account()
    reply = await account.call(
        "PUT", "/smartlock/{lock}/auth", {"name": "Guest", "type": 13, "code": DIGITS, **body}
    )
    assert (reply.status_code, reply.json()["detailMessage"]) == (400, _refused(parameter, value))
    account.wait()
    assert account.on_lock() == []


@pytest.mark.parametrize("code", [345678, "345678"], ids=["number", "text"])
async def test_digits_are_taken_as_a_number_or_as_text(code: Any) -> None:
    account = Account()
    assert (await account.created(code))["code"] == 345678


async def test_remote_allowed_may_be_left_out_of_a_keypad_code() -> None:
    assert (await Account().created())["remoteAllowed"] is False


async def test_a_keypad_code_without_a_keypad_is_a_400_for_type_13() -> None:
    account = Account()
    account.world.change_lock(account.lock, {"keypad_paired": False})
    reply = await account.create()
    assert (reply.status_code, reply.json()["detailMessage"]) == (400, _refused("type", 13))
    assert (await account.call("GET", "/smartlock/{lock}")).json()["config"]["keypadPaired"] is False


@pytest.mark.parametrize(
    ("name", "status"),
    [("x" * 20, 204), ("x" * 21, 422), ("", 422), (None, 422)],
    ids=["20", "21", "empty", "none"],
)
async def test_a_keypad_code_s_name_has_at_most_20_characters(name: str | None, status: int) -> None:
    reply = await Account().call("PUT", "/smartlock/{lock}/auth", {"name": name, "type": 13, "code": 345678})
    assert reply.status_code == status
    if status == 422:
        assert reply.json()["reasonPhrase"] == "Unprocessable Entity"


@pytest.mark.parametrize(("length", "status"), [(32, 204), (33, 422)])
async def test_an_app_s_name_has_at_most_32_characters(length: int, status: int) -> None:
    account = Account()
    user = (await account.call("PUT", "/account/user", {"email": "a@example.org", "name": "A"})).json()
    body = {"name": "x" * length, "remoteAllowed": True, "accountUserId": user["accountUserId"]}
    assert (await account.call("PUT", "/smartlock/{lock}/auth", body)).status_code == status


async def test_a_person_has_one_app_per_lock() -> None:
    account = Account()
    user = (await account.call("PUT", "/account/user", {"email": "a@example.org", "name": "A"})).json()
    body = {"name": "A", "remoteAllowed": True, "accountUserId": user["accountUserId"]}
    assert (await account.call("PUT", "/smartlock/{lock}/auth", body)).status_code == 204
    account.wait()
    assert (await account.call("PUT", "/smartlock/{lock}/auth", body)).status_code == 409


@pytest.mark.parametrize(
    "first",
    [{}, {"allowedUntilDate": "2026-11-20T12:01:00Z"}, FULL_LIMITS],
    ids=["for ever", "expired by then", "another window"],
)
async def test_digits_are_taken_as_long_as_a_code_with_them_is_there(first: dict[str, Any]) -> None:
    account = Account()
    await account.created(**first)
    account.wait(hours=1)
    assert (await account.create(name="Next")).status_code == 409
    assert len(await account.codes()) == 1


async def test_a_disabled_code_takes_its_digits_too() -> None:
    account = Account()
    code = await account.created()
    await account.call("POST", f"/smartlock/{{lock}}/auth/{code['id']}", {"name": "Guest", "enabled": False})
    account.wait()
    assert not account.opens()
    assert (await account.create(name="Next")).status_code == 409


async def test_the_same_digits_are_taken_on_another_lock() -> None:
    account = Account()
    await account.created()
    other = account.world.add_lock({"name": "Flat"})
    reply = await account.call(
        "PUT", f"/smartlock/{other}/auth", {"name": "Guest", "type": 13, "code": DIGITS}
    )
    assert reply.status_code == 204


async def test_an_update_replaces_all_restrictions_so_a_partial_one_makes_a_code_for_ever() -> None:
    account = Account()
    code = await account.created(**FULL_LIMITS)
    assert not account.opens()
    reply = await account.call(
        "POST", f"/smartlock/{{lock}}/auth/{code['id']}", {"name": "Guest", "code": 345678}
    )
    assert reply.status_code == 204
    account.wait()
    (listed,) = await account.codes()
    assert not set(FULL_LIMITS) & set(listed)
    assert account.opens()


async def test_an_update_leaves_digits_and_enabled_as_they_are_where_it_names_neither() -> None:
    account = Account()
    path = f"/smartlock/{{lock}}/auth/{(await account.created())['id']}"
    await account.call("POST", path, {"name": "Guest", "enabled": False})
    account.wait()
    await account.call("POST", path, {"name": "Renamed"})
    account.wait()
    (listed,) = await account.codes()
    assert (listed["name"], listed["code"], listed["enabled"]) == ("Renamed", 345678, False)


async def test_an_update_without_a_name_is_a_422() -> None:
    account = Account()
    path = f"/smartlock/{{lock}}/auth/{(await account.created())['id']}"
    assert (await account.call("POST", path, {"code": 987654})).status_code == 422


async def test_an_update_to_digits_of_another_code_is_a_409_and_changes_nothing() -> None:
    account = Account()
    await account.created()
    other = await account.created("987654", "Other")
    reply = await account.call(
        "POST", f"/smartlock/{{lock}}/auth/{other['id']}", {"name": "Other", "code": DIGITS}
    )
    assert reply.status_code == 409
    account.wait()
    assert sorted(account.on_lock()) == [DIGITS, "987654"]


async def test_a_restriction_is_removed_by_null() -> None:
    account = Account()
    code = await account.created(**FULL_LIMITS)
    body = {"name": "Guest", **FULL_LIMITS, "allowedUntilDate": None}
    await account.call("POST", f"/smartlock/{{lock}}/auth/{code['id']}", body)
    account.wait()
    (listed,) = await account.codes()
    assert "allowedUntilDate" not in listed
    assert listed["allowedFromDate"] == FULL_LIMITS["allowedFromDate"]


async def test_dates_are_ignored_at_the_lock_where_the_switch_says_so_and_a_write_names_too_few() -> None:
    account = Account(partial_limits_ignored=True)
    await account.created("345678", "Partial", allowedFromDate=FULL_LIMITS["allowedFromDate"])
    await account.created("987654", "Whole", **FULL_LIMITS)
    assert [account.opens("345678"), account.opens("987654")] == [True, False]


async def test_a_create_on_several_locks_is_done_on_all_or_on_none() -> None:
    account = Account()
    other = account.world.add_lock({"name": "Flat"})
    body = {"name": "Guest", "type": 13, "code": DIGITS, "smartlockIds": [int(account.lock), int(other)]}
    assert (await account.call("PUT", "/smartlock/auth", body)).status_code == 204
    account.wait()
    listed = (await account.call("GET", "/smartlock/auth?types=13")).json()
    assert {code["smartlockId"] for code in listed} == {int(account.lock), int(other)}
    third = account.world.add_lock({"name": "Cellar"})
    body["smartlockIds"] = [int(third), int(other)]
    assert (await account.call("PUT", "/smartlock/auth", body)).status_code == 409
    account.wait()
    assert account.world.lock_state(third)["codes"] == []


async def test_several_codes_are_changed_and_deleted_by_one_call_each() -> None:
    account = Account()
    first, second = await account.created(), await account.created("987654", "Other")
    changes = [{"id": first["id"], "name": "First"}, {"id": second["id"], "name": "Second"}]
    assert (await account.call("POST", "/smartlock/auth", changes)).status_code == 204
    account.wait()
    assert {code["name"] for code in await account.codes()} == {"First", "Second"}
    assert (await account.call("DELETE", "/smartlock/auth", [first["id"], second["id"]])).status_code == 204
    account.wait()
    assert account.on_lock() == []


async def test_several_changes_with_one_against_the_rules_change_nothing() -> None:
    account = Account()
    first = await account.created()
    changes = [{"id": first["id"], "name": "First"}, {"id": "0" * 24, "name": "Nobody"}]
    assert (await account.call("POST", "/smartlock/auth", changes)).status_code == 400
    account.wait()
    assert (await account.codes())[0]["name"] == "Guest"


async def test_a_listing_is_filtered_by_type_and_account_user() -> None:
    account = Account()
    await account.created()
    user = (await account.call("PUT", "/account/user", {"email": "a@example.org", "name": "A"})).json()
    body = {"name": "A", "remoteAllowed": True, "accountUserId": user["accountUserId"]}
    await account.call("PUT", "/smartlock/{lock}/auth", body)
    account.wait()

    async def names(query: str) -> set[str]:
        return {auth["name"] for auth in (await account.call("GET", f"/smartlock/auth{query}")).json()}

    assert await names("") == {"Nuki Web", "Guest", "A"}
    assert await names("?types=0,2") == {"Nuki Web", "A"}
    assert await names(f"?accountUserId={user['accountUserId']}") == {"A"}
    assert await names("?accountUserId=-1") == {"Nuki Web", "Guest"}


@pytest.mark.parametrize("returns_digits", [True, False])
async def test_digits_are_read_back_or_not_as_the_switch_says(returns_digits: bool) -> None:
    account = Account(returns_digits=returns_digits)
    code = await account.created()
    one = (await account.call("GET", f"/smartlock/{{lock}}/auth/{code['id']}")).json()
    assert ("code" in code, "code" in one) == (returns_digits, returns_digits)


async def test_a_stale_read_is_answered_from_before_the_write() -> None:
    account = Account()
    await account.created()
    account.strike(FaultKind.STALE, seconds=60)
    assert await account.codes() == []
    assert len(await account.codes()) == 1
    account.wait(hours=1)
    account.strike(FaultKind.STALE, seconds=60)
    assert len(await account.codes()) == 1


async def test_a_body_on_a_read_is_ignored() -> None:
    account = Account()
    assert (await account.call("GET", "/smartlock", {})).status_code == 200


@pytest.mark.parametrize("content", ["", "no JSON", "[1]", "null"])
async def test_a_write_without_a_readable_object_is_a_400(content: str) -> None:
    account = Account()
    reply = await account.http.put(f"/smartlock/{account.lock}/auth", content=content)
    assert reply.status_code == 400
