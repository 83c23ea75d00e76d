"""What each kind of Nuki lock can do, every limit with its source and date. Knows no HTTP.

Where nothing else stands, the sources were read on 2026-11-20."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum

from lockstep.driver.contract import Fleet
from lockstep.model.capabilities import (
    Addressing,
    Apply,
    Capabilities,
    Comparison,
    Delete,
    DuplicateBehaviour,
    Duplicates,
    Evidence,
    NameRules,
    Pace,
    ReadBack,
    Schedule,
    ScheduleKind,
    ScheduleZone,
    Scope,
)


class LockType(IntEnum):
    """`Smartlock.type` of the OpenAPI 3.9.0; 5 stands in a later one."""

    SMART_LOCK_1_OR_2 = 0
    BOX = 1
    OPENER = 2
    SMART_DOOR = 3
    SMART_LOCK_3_OR_4 = 4
    SMART_LOCK_5 = 5


MODELS = {
    LockType.SMART_LOCK_1_OR_2: "Smart Lock 1.0 or 2.0",
    LockType.BOX: "Box",
    LockType.OPENER: "Opener",
    LockType.SMART_DOOR: "Smart Door",
    LockType.SMART_LOCK_3_OR_4: "Smart Lock 3.0 or 4th generation",
    LockType.SMART_LOCK_5: "Smart Lock 5",
}

# Six digits, 1 to 9, not beginning with 12: developer.nuki.io/t/54; the same in docs.seam.co,
# access-code-requirements.
CODE_LENGTH = 6
CONSTRAINTS = ("no_zeros", "cannot_start_with_12")

# At most 20 characters: developer.nuki.io/t/54, t/35593. The device keeps the name of a keypad code in 20
# bytes of UTF-8 (Bluetooth API, command 0x0041), so that a letter of two bytes would cost a tag at the end
# its last character: names are kept to one byte a character. A write without a name is refused (t/54).
NAMES = NameRules(shortest=1, longest=20, pattern=r"[ -~]")

# Keypad codes are counted apart from other authorizations: 200 on Smart Lock 3.0 and newer, 100 before
# (seamapi/docs, brand-guides/nuki-locks). Box, Opener and Smart Door are not told of: the lower figure.
MOST_CODES = 100
MOST_CODES_FROM_3_0 = 200
_WITHOUT_BOLT = {LockType.BOX, LockType.OPENER}
_FROM_3_0 = {LockType.SMART_LOCK_3_OR_4, LockType.SMART_LOCK_5}

# Dates are UTC instants, times of day the lock's own (staff, developer.nuki.io/t/39789), so that only dates
# are used for windows. The device keeps whole seconds (Bluetooth API, date and time). An expired code opens
# no more but stays on the lock until it is removed (staff, t/39479). A create has no `enabled` (OpenAPI
# 3.9.0, SmartlockAuthCreate).
SCHEDULE = Schedule(
    kind=ScheduleKind.WEEKLY,
    granularity=timedelta(seconds=1),
    zone=ScheduleZone.UTC,
    expires_by_itself=True,
    can_hold_disabled=False,
)

# "Each PIN may only occur once in the system", answered 409 (developer.nuki.io/t/54, t/22160), also where
# the windows do not meet; on two locks it may (staff, t/16273).
DUPLICATES = Duplicates(DuplicateBehaviour.ERROR, Comparison.PRESENCE, Scope.LOCK)

# 204 means validated and queued, "usually seconds" to the lock (staff, developer.nuki.io/t/1178); one fast
# try, after which the next chance is the daily sync (staff, t/24449): a day, and an hour for the sync
# itself.
SETTLING = timedelta(seconds=30)
LATE_APPLY = timedelta(hours=25)

# "Not limited, but some abuse protection" (staff, developer.nuki.io/t/9746); four reads for each of an
# account's people in a loop brought a 429 without Retry-After (a client's report). One snapshot is two
# reads.
PACE = Pace(calls_per_minute=60, at_once=2)


def capabilities_of(lock_type: int, *, shows_digits: bool) -> Capabilities:
    """What a lock of this type can do. `shows_digits`: the account's listing carries the digits of keypad
    codes, on which the specification and customers disagree."""
    return Capabilities(
        code_lengths=frozenset({CODE_LENGTH}),
        constraints=CONSTRAINTS,
        name=NAMES,
        addressing=Addressing.ID,
        most_codes=MOST_CODES_FROM_3_0 if lock_type in _FROM_3_0 else MOST_CODES,
        schedule=SCHEDULE,
        read_back=ReadBack.DIGITS if shows_digits else ReadBack.EXISTS,
        apply=Apply.FIRE_AND_FORGET,
        duplicates=DUPLICATES,
        delete=Delete.IDEMPOTENT,
        can_update=True,
        targets_per_entry=1,
        settling=SETTLING,
        late_apply=LATE_APPLY,
        best_evidence=Evidence.ACKNOWLEDGED,
        pace=PACE,
        reads_whole_account=True,
        has_push=True,
        # On an Opener the same action starts ring-to-open instead (OpenAPI 3.9.0,
        # Smartlock.State.lastAction).
        can_unlock=lock_type != LockType.OPENER,
        # A Box knows action 1 (unlock) alone, an Opener none that locks (OpenAPI 3.9.0, SmartlockAction); both
        # have no auto lock among their settings.
        can_lock=lock_type not in _WITHOUT_BOLT,
        can_configure_auto_lock=lock_type not in _WITHOUT_BOLT,
        has_log=True,
        has_battery=True,
    )


def model_of(lock_type: int) -> str:
    """The product's name, such as `Smart Lock 5`; for a type not known here, its number."""
    return MODELS[LockType(lock_type)] if lock_type in MODELS else f"type {lock_type}"


FLEET = (
    Fleet("Nuki Smart Lock 3.0 and newer", capabilities_of(LockType.SMART_LOCK_3_OR_4, shows_digits=False)),
    Fleet("Nuki Smart Lock 1.0 and 2.0", capabilities_of(LockType.SMART_LOCK_1_OR_2, shows_digits=False)),
    Fleet("Nuki Opener", capabilities_of(LockType.OPENER, shows_digits=False)),
)
