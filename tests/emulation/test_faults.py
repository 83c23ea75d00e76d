"""Which call a fault strikes: by rule, by count, by chance that can be repeated."""

import pytest

from lockstep.emulation.faults import Fault, FaultKind, Faults


def _strikes(faults: Faults, times: int, method: str = "PUT", path: str = "/locks/7/codes") -> list[bool]:
    return [faults.strike(method, path, "create", method != "GET") is not None for _ in range(times)]


@pytest.mark.parametrize(
    ("rule", "strikes"),
    [
        ({}, True),
        ({"method": "put"}, True),
        ({"method": "POST"}, False),
        ({"path": "/locks/*/codes"}, True),
        ({"path": "/locks"}, False),
        ({"operation": "create"}, True),
        ({"operation": "delete"}, False),
        ({"mutating": True}, True),
        ({"mutating": False}, False),
        ({"method": "PUT", "path": "/elsewhere"}, False),
    ],
    ids=lambda value: str(value),
)
def test_a_rule_strikes_the_calls_that_it_describes(rule: dict[str, object], strikes: bool) -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.ERROR_BEFORE, **rule))  # type: ignore[arg-type]
    assert _strikes(faults, 1) == [strikes]


def test_a_rule_is_spent_after_its_times_and_begins_after_its_skips() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.ERROR_BEFORE, skip=1, times=2))
    assert _strikes(faults, 5) == [False, True, True, False, False]
    assert faults.in_force() == []


def test_a_rule_without_times_strikes_for_ever() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.ERROR_BEFORE, times=None))
    assert all(_strikes(faults, 50))


def test_the_same_seed_strikes_the_same_calls_about_as_often_as_it_says() -> None:
    def chances(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault(kind=FaultKind.REPLY_LOST_AFTER, times=None, probability=0.05))
        return _strikes(faults, 4000)

    assert chances(7) == chances(7)
    assert chances(7) != chances(8)
    assert 120 <= sum(chances(7)) <= 280


def test_the_first_rule_that_fits_is_the_one_that_strikes() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.SLOW, method="GET"))
    first = faults.add(Fault(kind=FaultKind.ERROR_AFTER))
    faults.add(Fault(kind=FaultKind.ERROR_BEFORE))
    struck = faults.strike("PUT", "/", None, True)
    assert struck is not None
    assert struck.kind is FaultKind.ERROR_AFTER
    assert not faults.remove(first)


@pytest.mark.parametrize(
    ("kind", "method"),
    [(FaultKind.STALE, "PUT"), (FaultKind.WRITE_LOST, "GET"), (FaultKind.WRITE_LATE, "GET")],
)
def test_a_fault_of_reads_strikes_no_write_nor_the_other_way_round(kind: FaultKind, method: str) -> None:
    faults = Faults()
    faults.add(Fault(kind=kind))
    assert _strikes(faults, 1, method) == [False]
