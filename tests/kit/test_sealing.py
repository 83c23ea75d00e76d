"""Sealed values: they open in their place under their key, and nowhere else; fingerprints compare and tell nothing."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from lockstep.kit.sealing import CannotUnseal, Place, Sealer, derive, sealed_version

PLACE = Place(UUID(int=1), "entries", "digits", UUID(int=2))
SEALER = Sealer({1: b"a" * 32, 2: b"b" * 32}, b"f" * 32)


def test_what_is_sealed_opens_in_its_place_and_shows_nothing_outside() -> None:
    sealed = SEALER.seal("445566 für Jörg", PLACE)
    assert SEALER.open(sealed, PLACE) == "445566 für Jörg"
    assert b"445566" not in sealed
    assert SEALER.open(SEALER.seal("", PLACE), PLACE) == ""


def test_the_same_text_sealed_twice_is_two_values() -> None:
    assert SEALER.seal("445566", PLACE) != SEALER.seal("445566", PLACE)


@pytest.mark.parametrize(
    "other",
    [
        replace(PLACE, workspace_id=UUID(int=3)),
        replace(PLACE, table="access_methods"),
        replace(PLACE, column="credentials"),
        replace(PLACE, row_id=UUID(int=3)),
        replace(PLACE, workspace_id=PLACE.row_id, row_id=PLACE.workspace_id),
    ],
    ids=["another workspace", "another table", "another column", "another row", "workspace and row changed"],
)
def test_it_opens_in_no_other_place(other: Place) -> None:
    with pytest.raises(CannotUnseal):
        SEALER.open(SEALER.seal("445566", PLACE), other)


def test_it_opens_under_no_other_version_be_it_known_or_not() -> None:
    same_key = Sealer({**SEALER.master_keys, 3: SEALER.master_keys[2]}, SEALER.fingerprint_key)
    sealed = SEALER.seal("445566", PLACE)
    assert sealed_version(sealed) == 2
    for version in (0, 1, 3, 4, 0xFFFF):
        with pytest.raises(CannotUnseal):
            same_key.open(version.to_bytes(2, "big") + sealed[2:], PLACE)


def test_no_bit_of_it_can_be_changed_and_no_byte_be_missing_or_added() -> None:
    sealed = SEALER.seal("445566", PLACE)
    for position in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[position] ^= 1 << bit
            with pytest.raises(CannotUnseal):
                SEALER.open(bytes(changed), PLACE)
    for longer_or_shorter in [sealed[:length] for length in range(len(sealed))] + [sealed + b"\x00"]:
        with pytest.raises(CannotUnseal):
            SEALER.open(longer_or_shorter, PLACE)


def test_another_key_of_the_same_version_does_not_open_it() -> None:
    with pytest.raises(CannotUnseal):
        Sealer({2: b"x" * 32}, SEALER.fingerprint_key).open(SEALER.seal("445566", PLACE), PLACE)


def test_the_newest_version_seals_unless_another_is_named_and_all_of_them_open() -> None:
    older = replace(SEALER, sealing_version=1)
    assert (SEALER.version, older.version) == (2, 1)
    sealed = older.seal("445566", PLACE)
    assert sealed_version(sealed) == 1
    assert SEALER.open(sealed, PLACE) == "445566"


def test_no_refusal_and_no_repr_shows_a_key_or_what_was_sealed() -> None:
    sealed = SEALER.seal("445566", PLACE)
    with pytest.raises(CannotUnseal) as refused:
        SEALER.open(sealed, replace(PLACE, column="credentials"))
    assert "445566" not in str(refused.value)
    assert "aaa" not in repr(SEALER)
    assert "fff" not in repr(SEALER)


def test_fingerprints_are_equal_for_equal_digits_under_one_salt_and_one_key_alone() -> None:
    found = SEALER.fingerprint("445566", b"salt")
    assert SEALER.fingerprint("445566", b"salt") == found
    others = [
        SEALER.fingerprint("445567", b"salt"),
        SEALER.fingerprint("445566", b"another"),
        replace(SEALER, fingerprint_key=b"g" * 32).fingerprint("445566", b"salt"),
        SEALER.fingerprint("t445566", b"sal"),
    ]
    assert len({found, *others}) == len(others) + 1


def test_fingerprints_outlive_a_change_of_the_master_key() -> None:
    rotated = replace(SEALER, master_keys={3: b"c" * 32})
    assert rotated.fingerprint("445566", b"salt") == SEALER.fingerprint("445566", b"salt")


def test_keys_derived_for_two_purposes_or_from_two_secrets_differ() -> None:
    found = derive(b"secret", "signing")
    assert len(found) == 32
    assert found == derive(b"secret", "signing")
    assert len({found, derive(b"secret", "sealing"), derive(b"other", "signing")}) == 3
