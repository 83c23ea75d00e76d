"""Values that nothing can hold are refused at every path, and make no fault of ours."""

from __future__ import annotations

from typing import Any

from tests.http.seam.parts import Home
from tests.http.seam.walk import Walk

from lockstep.http.seam.app import PATHS
from lockstep.http.seam.params import kinds_of

NUL = "a\x00b"
IMPOSSIBLE: tuple[Any, ...] = (NUL, -1, 10**30, 1e300, "0001-01-01T00:00:00+14:00", "١٢٣٤", [NUL], {"a": NUL})


async def test_no_value_makes_a_fault_of_ours_whichever_parameter_it_stands_for(home: Home) -> None:
    wrong = []
    for path, built in PATHS.items():
        names = list(kinds_of(built.params))
        for value in IMPOSSIBLE:
            answer = await home.raw(path, dict.fromkeys(names, value))
            if answer.status_code >= 500:
                wrong.append(f"{path} with {value!r}: {answer.text}")
    assert not wrong, "\n".join(wrong)


async def test_what_cannot_be_kept_is_refused_in_a_query_and_in_a_body_and_a_page_has_an_end(
    home: Home,
) -> None:
    walk = Walk(home)
    lock = await walk.lock()
    in_query = await home.http.get("/devices/get?device_id=a%00b&_strict=true")
    in_body = await home.raw("/access_codes/create", {"device_id": lock, "name": NUL})
    for answer in (in_query, in_body):
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_input")
    for limit in (10**30, 5_000):
        assert (await home.raw("/devices/list", {"limit": limit})).status_code == 200
    digits = await home.raw("/access_codes/create", {"device_id": lock, "code": "١٢٣٤٥٦"})
    assert digits.status_code == 400, "digits of other scripts are on no keypad"
