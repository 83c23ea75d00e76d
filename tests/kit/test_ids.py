"""Identities."""

import re
from itertools import pairwise
from uuid import UUID

import pytest

from lockstep.kit.ids import new_id, public_id


def test_ids_are_version_7_and_sort_by_when_they_were_made() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {id.version for id in ids} == {7}
    assert all(first < second for first, second in pairwise(ids))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "lock_00000000000000000000000000"),
        (32, "lock_00000000000000000000000010"),
        (2**128 - 1, "lock_7zzzzzzzzzzzzzzzzzzzzzzzzz"),
    ],
    ids=["least", "carries", "most"],
)
def test_a_public_id_is_the_prefix_and_26_letters_of_base_32(number: int, text: str) -> None:
    assert public_id("lock", UUID(int=number)) == text


def test_public_ids_read_well_sort_as_their_ids_do_and_never_meet() -> None:
    ids = [new_id() for _ in range(1000)]
    texts = [public_id("booking", id) for id in ids]
    assert texts == sorted(texts)
    assert len(set(texts)) == len(texts)
    assert all(re.fullmatch(r"booking_0[0-9a-hjkmnp-tv-z]{25}", text) for text in texts)
