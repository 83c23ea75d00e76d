"""Seam's way of writing parameters into a query string is read back as it was meant."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.http.seam.parts import Home

from lockstep.http.seam.dialect import Kind, QueryInvalid, read_query, write_query

KINDS = {
    "name": Kind.TEXT,
    "sync": Kind.FLAG,
    "limit": Kind.NUMBER,
    "ids": Kind.LIST,
    "custom_metadata_has": Kind.RECORD,
    "lengths": Kind.NUMBERS,
}
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
_GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "name": st.none() | _TEXTS,
        "sync": st.booleans(),
        "limit": st.integers(-(10**9), 10**9),
        "ids": st.lists(_TEXTS, max_size=4),
        "custom_metadata_has": st.dictionaries(
            _TEXTS.filter(lambda t: t not in ("true", "false")),
            st.booleans() | st.none(),
            min_size=1,
            max_size=3,
        ),
    },
)


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """As the SDKs write one parameter."""
    if isinstance(value, dict):
        return [pair for inner, one in value.items() for pair in _pairs(f"{name}.{inner}", one)]
    if isinstance(value, list):
        return [(name, one) for one in value] or [(name, "")]
    return [(name, "" if value is None else value if isinstance(value, str) else json.dumps(value))]


@given(_GIVEN)
def test_what_an_sdk_writes_is_read_as_it_was_given(given_: dict[str, Any]) -> None:
    pairs = [pair for name in sorted(given_) for pair in _pairs(name, given_[name])]
    query = urlencode([*pairs, ("_strict", "true")])
    read = read_query(query, KINDS)
    assert {name: value for name, value in read.items() if name != "_strict"} == given_
    assert read_query(write_query(given_), KINDS) == read


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("sync=yes&limit=5", {"sync": True, "limit": 5}),
        ("sync=0", {"sync": False}),
        ("ids=a,b", {"ids": ["a", "b"]}),
        ("ids[]=a&ids[]=b", {"ids": ["a", "b"]}),
        ("ids[]=", {"ids": []}),
        ("ids=%20", {"ids": []}),
        ("name=%20Anna%20", {"name": " Anna "}),
        ("sync=%20Yes&limit=%2B05%20", {"sync": True, "limit": 5}),
        ("lengths=4,%206", {"lengths": [4, 6]}),
        ("custom_metadata_has.room=1", {"custom_metadata_has": {"room": "1"}}),
        ("custom_metadata_has=", {"custom_metadata_has": None}),
        ("limit=" + "9" * 5000, {"limit": float("inf")}),
        ("name[]=a", {}),
        ("_strict=true&ids=a,b&ids=c", {"ids": ["a,b", "c"]}),
        ("_strict=true&ids=%20", {"ids": [" "]}),
        ("_strict=true&limit=%202", {"limit": " 2"}),
        ("_strict=true&lengths=4&lengths=6", {"lengths": [4, 6]}),
        ("_strict=true&sync=yes", {"sync": "yes"}),
        ("_strict=true&limit=many", {"limit": "many"}),
        ("limit=1e3", {"limit": 1000.0}),
        ("unknown=1", {}),
    ],
)
def test_a_query_written_by_hand_is_read_generously_and_an_sdks_to_the_letter(
    query: str, read: dict[str, Any]
) -> None:
    assert read_query(query, KINDS) == read


@pytest.mark.parametrize(
    "query",
    [
        "name=a&name=b&_strict=true",
        "ids=&ids=a&_strict=true",
        "custom_metadata_has=&custom_metadata_has.floor=2&_strict=true",
        "custom_metadata_has.floor=2&custom_metadata_has.floor=3&_strict=true",
        "limit=1&limit=2",
        "ids[]=a&_strict=true",
        "ids[]=a&ids=b",
        "ids=a,b&ids=c",
        "ids[]=a,b",
        "ids=a,,b",
        "ids=a&ids=%20",
    ],
)
def test_a_query_that_contradicts_itself_is_refused(query: str) -> None:
    with pytest.raises(QueryInvalid):
        read_query(query, KINDS)


async def test_faults_of_the_wire_have_seams_types_and_words(home: Home) -> None:
    lock = await home.lock()
    twice = await home.http.get(f"/devices/get?device_id={lock}&device_id={lock}&_strict=true")
    assert (twice.status_code, twice.json()["error"]["type"]) == (400, "invalid_query_params")
    plain = await home.http.post(
        "/devices/get", content=b"device_id=1", headers={"content-type": "text/plain"}
    )
    assert (plain.status_code, plain.json()["error"]["type"]) == (400, "invalid_content_type")
    broken = await home.http.post("/devices/get", content=b"{", headers={"content-type": "application/json"})
    assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_input")

    missing = (await home.raw("/access_codes/create", {"code": 7})).json()["error"]
    assert (
        missing["message"]
        == '2 Input Errors: Expected string, received number for "code", device_id is required'
    )
    assert missing["validation_errors"] == {
        "_errors": [],
        "code": {"_errors": ["Expected string, received number"]},
        "device_id": {"_errors": ["Required"]},
    }
    both = await home.http.post(f"/devices/get?device_id={'0' * 8}", json={"device_id": lock})
    assert both.json()["device"]["device_id"] == lock, "the body wins"


async def test_a_number_within_a_public_id_leads_back_to_it(home: Home) -> None:
    """The same device at both doors."""
    lock = await home.lock()
    answer = await home.raw("/devices/get", {"device_id": lock.upper()})
    assert answer.json()["device"]["device_id"] == lock
