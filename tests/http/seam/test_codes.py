"""Codes of one lock through the official SDK, down to the emulated lock."""

from __future__ import annotations

from tests.http.seam.parts import Home


async def test_a_code_is_created_shown_changed_and_deleted_through_the_sdk(home: Home) -> None:
    lock = await home.lock()

    made = await home.ask(home.seam.access_codes.create, device_id=lock, name="Anna Smith", code="472931")
    await home.house.work()
    shown = await home.ask(home.seam.access_codes.get, access_code_id=made.access_code_id)
    listed = await home.ask(home.seam.access_codes.list, device_id=lock)

    assert (made.code, made.status, made.type) == ("472931", "setting", "ongoing")
    assert [c.access_code_id for c in listed] == [made.access_code_id]
    assert shown.name == "Anna Smith"
