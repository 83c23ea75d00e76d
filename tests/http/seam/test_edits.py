"""Edits in the manufacturer's app, as the official SDK tells them, down to the emulated door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from seam.resources.access_code import AccessCode
from tests.http.seam.parts import Home

STAY = {"starts_at": "2026-06-01T00:00:00.000Z", "ends_at": "2026-06-20T10:00:00.000Z"}
NAME = "Anna Smith, Reservation-12345"


def in_app(home: Home, digits: str, **fields: Any) -> str:
    """Somebody edits the code with these digits; the lock."""
    (lock, held) = next(
        (lock, number)
        for lock in home.world.locks.values()
        for number, grant in lock.held.items()
        if grant.code == digits
    )
    home.world.put_code_in_app(str(lock.id), str(held), fields)
    return str(lock.id)


async def shown(home: Home, code: AccessCode) -> AccessCode:
    return await home.ask(home.seam.access_codes.get, access_code_id=code.access_code_id)


async def raw(home: Home, code: AccessCode) -> dict[str, Any]:
    answer = await home.raw("/access_codes/get", {"access_code_id": code.access_code_id})
    found: dict[str, Any] = answer.json()["access_code"]
    return found


async def until_noticed(home: Home) -> None:
    """The next looks at the lock; what they lead to is not proven yet."""
    for _ in range(2):
        due_at = await home.house.next_due()
        assert due_at is not None
        await home.house.advance(due_at)


async def test_an_edit_in_the_app_is_overwritten_and_an_error_of_the_code_until_it_is_right(
    home: Home,
) -> None:
    made = await home.ask(
        home.seam.access_codes.create, device_id=await home.lock(), code="472931", name=NAME, **STAY
    )
    await home.settle()
    appearance = (await raw(home, made))["appearance"]["name"]
    assert appearance.startswith("Anna Smith, ")
    assert len(appearance) <= 20
    lock = in_app(home, "472931", code="813526", name="Somebody")
    await until_noticed(home)
    told = await raw(home, made)
    (error,) = told["errors"]
    assert (error["error_code"], error["legacy_code"], error["change_type"]) == (
        "conflicting_external_modification",
        "code_modified_external_to_seam",
        "modified",
    )
    assert error["modified_fields"] == [
        {"field": "name", "from": appearance, "to": "Somebody"},
        {"field": "code", "from": None, "to": None},
    ]
    await home.house.advance(home.house.clock.now() + timedelta(minutes=2))
    after = await raw(home, made)
    assert (after["status"], after["errors"], after["pending_mutations"]) == ("set", [], [])
    assert after["appearance"]["name"] == appearance
    assert home.world.enter(lock, "472931").opened
    assert not home.world.enter(lock, "813526").opened


async def test_an_edit_that_is_allowed_is_taken_over_and_a_warning_of_the_code(home: Home) -> None:
    made = await home.ask(
        home.seam.access_codes.create,
        device_id=await home.lock(),
        code="472931",
        name=NAME,
        allow_external_modification=True,
        **STAY,
    )
    assert made.is_external_modification_allowed
    await home.settle()
    lock = in_app(home, "472931", code="813526", name="Anna and Bo")
    await until_noticed(home)
    code = await shown(home, made)
    assert (code.status, code.code, code.name, code.errors) == ("set", "813526", "Anna and Bo", [])
    (warning,) = code.warnings
    assert warning.warning_code == "external_modification_in_effect"
    told = await raw(home, made)
    assert told["appearance"] == {"name": "Anna and Bo"}
    assert told["warnings"][0]["legacy_code"] == "code_modified_external_to_seam"
    assert home.world.enter(lock, "813526").opened

    update, id = home.seam.access_codes.update, made.access_code_id
    await home.ask(update, access_code_id=id, allow_external_modification=False)
    code = await shown(home, made)
    assert (code.name, code.code, code.warnings) == ("Anna and Bo", "813526", []), "it is ours from now on"
    await home.ask(update, access_code_id=id, name="Cleo")
    await home.settle()
    code = await shown(home, made)
    assert (code.name, code.code, code.warnings) == ("Cleo", "813526", [])
    assert not code.is_external_modification_allowed


async def test_a_code_that_is_deleted_and_made_again_in_the_app_is_a_strangers_and_named_as_what_is_in_the_way(
    home: Home,
) -> None:
    lock_id = await home.lock()
    made = await home.ask(home.seam.access_codes.create, device_id=lock_id, code="472931", name=NAME, **STAY)
    await home.settle()
    (lock,) = [lock for lock in home.world.locks.values() if lock.name == "Door 1"]
    (held,) = [number for number, grant in lock.held.items() if grant.code == "472931"]
    home.world.delete_code_in_app(str(lock.id), str(held))
    home.world.put_code_in_app(str(lock.id), None, {"name": "Anna", "code": "472931"})
    await until_noticed(home)
    (stranger,) = await home.ask(home.seam.access_codes.unmanaged.list, device_id=lock_id)
    told = {e["error_code"]: e for e in (await raw(home, made))["errors"]}
    assert set(told) == {"duplicate_code_on_device", "conflicting_external_modification"}
    in_the_way = told["duplicate_code_on_device"]
    assert in_the_way["unmanaged_access_code_id"] == stranger.access_code_id
    assert in_the_way["created_at"].endswith(".000Z")
    assert [entry.code for entry in lock.door] == ["472931"], "what is not ours is left alone"

    await home.ask(home.seam.access_codes.unmanaged.delete, access_code_id=stranger.access_code_id)
    await home.house.advance(home.house.clock.now() + timedelta(minutes=5))
    after = await raw(home, made)
    assert (after["status"], after["errors"]) == ("set", [])
