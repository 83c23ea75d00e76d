"""Guests as a developer has them through the official SDK: identities, their devices, sessions and instant keys."""

from __future__ import annotations

import pytest
from seam import SeamHttpApiError
from tests.http.api.parts import bearer
from tests.http.seam.parts import Home


async def test_an_identity_lives_from_its_making_to_its_end(home: Home) -> None:
    seam, ask = home.seam.user_identities, home.ask
    anna = await ask(
        seam.create,
        user_identity_key="anna",
        full_name="Anna Smith",
        email_address="anna@example.com",
        phone_number="+351912345678",
    )
    assert (anna.display_name, anna.user_identity_key) == ("Anna Smith", "anna")
    with pytest.raises(SeamHttpApiError) as refused:
        await ask(seam.create, email_address="ANNA@example.com")
    assert (refused.value.status_code, refused.value.code) == (409, "user_identity_already_exists")
    id = anna.user_identity_id
    await ask(seam.update, user_identity_id=id, full_name="Anna Jones", user_identity_key="a.jones")
    assert (await ask(seam.get, user_identity_key="a.jones")).full_name == "Anna Jones"
    double = await ask(seam.create, user_identity_key="double", full_name="A. J.")
    assert len(await ask(seam.list)) == 2
    await ask(seam.merge, user_identity_id=id, merged_user_identity_ids=[double.user_identity_id])
    (left,) = await ask(seam.list, search="jones")
    assert left.merged_user_identity_keys == ["double"]
    assert (await ask(seam.get, user_identity_key="double")).user_identity_id == id
    await ask(seam.delete, user_identity_id=id)
    assert await ask(seam.list) == []
    with pytest.raises(SeamHttpApiError) as gone:
        await ask(seam.get, user_identity_id=id)
    assert (gone.value.status_code, gone.value.code) == (404, "user_identity_not_found")


async def test_an_identity_reaches_the_devices_that_it_was_given_by_a_session_or_an_instant_key(
    home: Home,
) -> None:
    seam, ask = home.seam, home.ask
    front, back = [d.device_id for d in await ask(seam.devices.list)]
    id = (await ask(seam.user_identities.create, full_name="Anna")).user_identity_id
    await ask(seam.user_identities.grant_access_to_device, user_identity_id=id, device_id=back)
    reached = await ask(seam.user_identities.list_accessible_devices, user_identity_id=id)
    assert [d.device_id for d in reached] == [back]

    session = await ask(seam.client_sessions.create, user_identity_id=id)
    assert (session.device_count, session.user_identity_ids) == (1, [id])
    headers = bearer(session.token) | {"client-session-token": session.token}
    own = (await home.http.post("/devices/list", headers=headers)).json()["devices"]
    assert [d["device_id"] for d in own] == [back]
    assert (
        await home.http.post("/devices/get", json={"device_id": front}, headers=headers)
    ).status_code == 403
    (self_,) = (await home.http.post("/user_identities/list", headers=headers)).json()["user_identities"]
    assert self_["user_identity_id"] == id
    unlocked = await home.http.post("/locks/unlock_door", json={"device_id": back}, headers=headers)
    assert unlocked.json()["action_attempt"]["status"] in ("pending", "success")

    link = await ask(seam.user_identities.generate_instant_key, user_identity_id=id, max_use_count=2)
    assert link.instant_key_url.startswith(f"{home.url}/instant-key/")
    found = await ask(seam.instant_keys.get, instant_key_url=link.instant_key_url)
    assert found.instant_key_id == link.instant_key_id
    assert len(await ask(seam.instant_keys.list, user_identity_id=id)) == 1
    await ask(seam.instant_keys.delete, instant_key_id=link.instant_key_id)
    assert await ask(seam.instant_keys.list, user_identity_id=id) == []

    await ask(seam.user_identities.revoke_access_to_device, user_identity_id=id, device_id=back)
    assert (await home.http.post("/devices/list", headers=headers)).json()["devices"] == []
    await ask(seam.user_identities.delete, user_identity_id=id)
    assert (await home.http.post("/devices/list", headers=headers)).status_code == 401
