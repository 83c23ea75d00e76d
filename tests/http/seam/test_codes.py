"""Codes of one lock through the official SDK, down to the emulated lock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from seam import SeamHttpApiError, SeamHttpInvalidInputError
from tests.http.seam.parts import Home

STAY = {"starts_at": "2026-06-02T14:00:00.000Z", "ends_at": "2026-06-04T10:00:00.000Z"}


async def test_a_code_is_created_shown_changed_and_deleted_through_the_sdk(home: Home) -> None:
    codes = home.seam.access_codes
    lock = await home.lock()

    made = await home.ask(codes.create, device_id=lock, name="Anna Smith", code="472931")
    assert (made.code, made.status, made.type, made.is_managed) == ("472931", "setting", "ongoing", True)
    await home.settle()
    shown = await home.ask(codes.get, access_code_id=made.access_code_id)
    assert (shown.status, shown.errors, shown.warnings) == ("set", [], [])

    await home.ask(codes.update, access_code_id=made.access_code_id, name="Anna Berg", code="813526")
    await home.settle()
    (listed,) = await home.ask(codes.list, device_id=lock)
    assert (listed.name, listed.code, listed.status) == ("Anna Berg", "813526", "set")
    assert (await home.ask(codes.get, device_id=lock, code="813526")).access_code_id == made.access_code_id

    await home.ask(codes.delete, access_code_id=made.access_code_id)
    assert (await home.ask(codes.get, access_code_id=made.access_code_id)).status == "removing"
    with pytest.raises(SeamHttpApiError) as late:
        await home.ask(codes.update, access_code_id=made.access_code_id, name="Too late")
    assert (late.value.status_code, late.value.code) == (409, "access_code_deleted")
    await home.settle()
    with pytest.raises(SeamHttpApiError) as gone:
        await home.ask(codes.get, access_code_id=made.access_code_id)
    assert (gone.value.status_code, gone.value.code) == (404, "access_code_not_found")
    assert await home.ask(codes.list, device_id=lock) == []


async def test_codes_for_several_locks_share_their_digits_and_change_together(home: Home) -> None:
    codes = home.seam.access_codes
    locks = [await home.lock(0), await home.lock(1)]

    made = await home.ask(codes.create_multiple, device_ids=locks, name="Cleaners", **STAY)
    again = await home.ask(codes.create_multiple, device_ids=locks, name="Cleaners", **STAY)

    assert [c.access_code_id for c in again] == [c.access_code_id for c in made], "a PUT that is repeated"
    assert [c.device_id for c in made] == locks
    assert len({c.code for c in made}) == len({c.common_code_key for c in made}) == 1
    later = {"starts_at": STAY["starts_at"], "ends_at": "2026-06-05T10:00:00.000Z"}
    await home.ask(codes.update_multiple, common_code_key=made[0].common_code_key, **later)
    assert {c.ends_at for c in await home.ask(codes.list, search="cleaners")} == {later["ends_at"]}
    await home.ask(codes.delete, access_code_id=made[0].access_code_id)
    third = await home.ask(codes.create_multiple, device_ids=locks, name="Cleaners", **STAY)
    assert {c.access_code_id for c in third}.isdisjoint(c.access_code_id for c in made)


async def test_a_lock_that_cannot_have_the_shared_digits_gets_others_only_when_that_is_asked_for(
    home: Home,
) -> None:
    codes = home.seam.access_codes
    locks = [await home.lock(0), await home.lock(1)]
    await home.ask(codes.create, device_id=locks[1], code="472931", **STAY)
    given: dict[str, Any] = {"device_ids": locks, "code": "472931", **STAY}
    with pytest.raises(SeamHttpApiError) as refused:
        await home.ask(codes.create_multiple, **given)
    assert (refused.value.status_code, refused.value.code) == (409, "duplicate_access_code")
    assert await home.ask(codes.list, device_id=locks[0]) == []
    first, second = await home.ask(
        codes.create_multiple, behavior_when_code_cannot_be_shared="create_random_code", **given
    )
    assert first.code == "472931" != second.code


async def test_codes_of_one_key_have_the_same_digits(home: Home) -> None:
    codes = home.seam.access_codes
    locks = [await home.lock(0), await home.lock(1)]
    first = await home.ask(codes.create, device_id=locks[0], common_code_key="flat 7", **STAY)
    second = await home.ask(codes.create, device_id=locks[1], common_code_key="flat 7", **STAY)
    assert (first.code, first.common_code_key) == (second.code, second.common_code_key)
    others = "472931" if first.code != "472931" else "813526"
    with pytest.raises(SeamHttpApiError) as refused:
        await home.ask(codes.create, device_id=locks[1], common_code_key="flat 7", code=others, **STAY)
    assert refused.value.status_code == 409


async def test_a_code_goes_from_time_bound_to_ongoing_and_back(home: Home) -> None:
    codes = home.seam.access_codes
    made = await home.ask(codes.create, device_id=await home.lock(), **STAY)
    assert (made.type, made.starts_at, made.ends_at) == ("time_bound", STAY["starts_at"], STAY["ends_at"])

    await home.ask(codes.update, access_code_id=made.access_code_id, type="ongoing")
    ongoing = await home.ask(codes.get, access_code_id=made.access_code_id)
    assert (ongoing.type, ongoing.starts_at, ongoing.ends_at) == ("ongoing", None, None)

    await home.ask(codes.update, access_code_id=made.access_code_id, **STAY)
    bound = await home.ask(codes.get, access_code_id=made.access_code_id)
    assert (bound.type, bound.starts_at, bound.ends_at) == ("time_bound", STAY["starts_at"], STAY["ends_at"])


async def test_the_same_digits_serve_two_guests_one_after_the_other(home: Home) -> None:
    """Seam refuses this."""
    lock = await home.lock()
    later = {"starts_at": "2026-06-04T15:00:00.000Z", "ends_at": "2026-06-06T10:00:00.000Z"}
    first = await home.ask(home.seam.access_codes.create, device_id=lock, code="472931", **STAY)
    second = await home.ask(home.seam.access_codes.create, device_id=lock, code="472931", **later)
    assert first.access_code_id != second.access_code_id

    with pytest.raises(SeamHttpApiError) as refused:
        await home.ask(home.seam.access_codes.create, device_id=lock, code="472931", **STAY)
    assert (refused.value.status_code, refused.value.code) == (409, "duplicate_access_code")


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"code": "12"}, "code"),
        ({"code": "abcd"}, "code"),
        ({"starts_at": "2026-06-05T00:00:00Z", "ends_at": "2026-06-04T00:00:00Z"}, None),
        ({"starts_at": "2026-06-05T00:00:00Z"}, None),
    ],
    ids=["short", "letters", "end-before-start", "no-end"],
)
async def test_what_cannot_be_is_refused_with_the_reason_and_nothing_is_written(
    home: Home, given: dict[str, Any], about: str | None
) -> None:
    with pytest.raises(SeamHttpInvalidInputError) as refused:
        await home.ask(home.seam.access_codes.create, device_id=await home.lock(), **given)
    assert refused.value.code == "invalid_input"
    if about:
        assert refused.value.get_validation_error_messages(about)
    assert await home.ask(home.seam.access_codes.list, device_id=await home.lock()) == []


async def test_the_rules_of_a_lock_are_told_and_digits_that_break_them_refused(home: Home) -> None:
    lock = await home.lock()
    device = await home.ask(home.seam.devices.get, device_id=lock)
    assert device.properties is not None
    told = {rule.constraint_type for rule in device.properties.code_constraints or []}
    assert told == {"no_zeros", "cannot_start_with_12"}
    for code in ("720431", "127431"):
        with pytest.raises(SeamHttpApiError) as refused:
            await home.ask(home.seam.access_codes.create, device_id=lock, code=code)
        assert refused.value.status_code == 400
    assert await home.ask(home.seam.access_codes.list, device_id=lock) == []


async def test_a_list_comes_in_pages_that_hang_together(home: Home) -> None:
    lock = await home.lock()
    made = {(await home.ask(home.seam.access_codes.create, device_id=lock)).access_code_id for _ in range(5)}
    paginator = home.seam.create_paginator(home.seam.access_codes.list, {"device_id": lock, "limit": 2})
    found = await home.ask(paginator.flatten_to_list)
    assert {c.access_code_id for c in found} == made
    assert len(found) == 5

    first = (await home.raw("/access_codes/list", {"device_id": lock, "limit": 2})).json()["pagination"]
    other = {"device_id": lock, "limit": 3, "page_cursor": first["next_page_cursor"]}
    refused = await home.raw("/access_codes/list", other)
    followed = await home.http.get(first["next_page_url"])
    assert len(followed.json()["access_codes"]) == 2, "the address of the next page is whole"
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "mismatched_page_parameters")


async def test_a_code_ahead_of_its_time_stands_scheduled_on_a_lock_that_keeps_the_time(home: Home) -> None:
    lock = await home.lock()
    made = await home.ask(home.seam.access_codes.create, device_id=lock, **STAY)
    await home.settle()
    ahead = await home.ask(home.seam.access_codes.get, access_code_id=made.access_code_id)
    assert (ahead.status, ahead.is_scheduled_on_device) == ("unset", True)

    home.house.clock.advance(timedelta(days=2))
    await home.settle()
    inside = await home.ask(home.seam.access_codes.get, access_code_id=made.access_code_id)
    assert (inside.status, inside.is_scheduled_on_device) == ("set", False)

    home.house.clock.advance(timedelta(days=2))
    await home.settle()
    over = await home.ask(home.seam.access_codes.get, access_code_id=made.access_code_id)
    assert over.status == "unset", "what is over stays to be read"


async def test_what_is_answered_at_once_is_what_is_shown_afterwards(home: Home) -> None:
    lock, stay = await home.lock(), {"starts_at": "2026-08-02T14:00:00Z", "ends_at": "2026-08-04T10:00:00Z"}
    wanted = {"device_id": lock, "code": "472931"}

    made = (await home.raw("/access_codes/create", {**wanted, **stay})).json()["access_code"]
    shown = await home.raw("/access_codes/get", {"access_code_id": made["access_code_id"]})

    assert made == shown.json()["access_code"]
    refused = await home.raw("/access_codes/create", {**wanted, **stay})
    assert (refused.status_code, refused.json()["error"]["type"]) == (409, "duplicate_access_code")
    later = {"starts_at": "2026-08-04T10:00:00Z", "ends_at": "2026-08-06T10:00:00Z"}
    free = await home.raw("/access_codes/create", {**wanted, **later})
    assert free.status_code == 200, "the same digits for a time that does not overlap"
