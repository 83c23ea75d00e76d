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
    at_lock = {"device_id": lock, "name": "Anna", "code": "١٢٣٤٥٦"}
    digits = await home.raw("/access_codes/simulate/create_unmanaged_access_code", at_lock)
    assert digits.status_code == 400


async def test_so_many_things_at_a_time_are_asked_of_and_no_more(home: Home) -> None:
    many = {"device_ids": [f"lock_{n}" for n in range(1001)]}
    for path in ("/access_codes/create_multiple", "/devices/list"):
        answer = await home.raw(path, many)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_input")
        assert "at most 1000" in answer.text


DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
BODIES = (b'{"device_id":"\xff"}', b"\xff", b"[]", b"null", b"{", DEEP, b'{"limit":1e400}', b'{"limit":NaN}')


async def test_a_body_that_is_no_json_object_is_refused_as_such(home: Home) -> None:
    as_json = {"content-type": "application/json"}
    for body in BODIES:
        answer = await home.http.post("/devices/list", content=body, headers=as_json)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_input"), body[:40]
    large = await home.http.post("/devices/list", content=b" " * 1_000_001, headers=as_json)
    assert (large.status_code, large.json()["error"]["type"]) == (413, "payload_too_large")


WORDS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/devices/list", {"limit": 0}, "Number must be greater than or equal to 1"),
    ("/devices/list", {"limit": 2.5}, "Expected integer, received float"),
    ("/devices/update", {"custom_metadata": {"a": 7}}, "Invalid input"),
    ("/spaces/create", {"name": ""}, "String must contain at least 1 character(s)"),
    ("/access_grants/create", {"requested_access_methods": []}, "Array must contain at least 1 element(s)"),
)


async def test_what_does_not_fit_is_told_in_zods_words(home: Home) -> None:
    for path, given, words in WORDS:
        error = (await home.raw(path, {"device_id": "x", **given})).json()["error"]
        (name,) = given
        told = error["validation_errors"][name]
        while not told["_errors"]:
            told = next(value for part, value in told.items() if part != "_errors")
        assert told["_errors"] == [words]
        assert words in error["message"]
    # Python's SDK calls limits floats.
    assert len(await home.ask(home.seam.devices.list, limit=1.0)) == 1
