"""How a word fails: expected trouble is one sentence with the next step and a status; only our faults show where."""

from __future__ import annotations

import errno
from dataclasses import dataclass

FAILED = 1
"""Exit status: what was asked for was not done, or something is wrong."""
ASKED_WRONGLY = 2
"""Exit status: the word, an option or a setting cannot be taken as it is."""


class Stopped(Exception):
    """Ends a word with this sentence."""

    def __init__(self, sentence: str, status: int = FAILED) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Ending:
    """What is said at the end, and the exit status."""

    sentence: str
    status: int


def ending_of(fault: BaseException) -> Ending | None:
    """How a word ends by this; None where it is a fault of ours, which is to be seen whole."""
    if isinstance(fault, BaseExceptionGroup):
        endings = [ending_of(inner) for inner in fault.exceptions]
        return endings[0] if len(endings) == 1 else None
    if isinstance(fault, Stopped):
        return Ending(str(fault), fault.status)
    if isinstance(fault, OSError) and fault.errno in (errno.EADDRINUSE, errno.EACCES, errno.ENOSPC):
        return Ending(_of_system(fault), FAILED)
    return _of_ours(fault)


def _of_ours(fault: BaseException) -> Ending | None:
    # Imported here, so that a word that fails on its options alone need not load all of Lockstep.
    from lockstep.cli.keyring import KeyFileMissing
    from lockstep.cli.settings import SettingInvalid
    from lockstep.kit.sealing import CannotUnseal
    from lockstep.model.permissions import NotAllowed
    from lockstep.operations.errors import Problem
    from lockstep.storage.dump import DumpFailed
    from lockstep.storage.inspection import DatabaseTrouble
    from lockstep.storage.migrations import DatabaseNewer, MigrationChanged
    from lockstep.storage.server import ServerError

    if isinstance(fault, Problem):
        return Ending(f"{fault.cause} {fault.next_step}", FAILED)
    if isinstance(fault, KeyFileMissing):
        return Ending(str(fault), FAILED)
    if isinstance(fault, SettingInvalid):
        return Ending(f"{fault} Correct the variable, or unset it.", ASKED_WRONGLY)
    expected = (
        NotAllowed,
        ServerError,
        DatabaseTrouble,
        DatabaseNewer,
        MigrationChanged,
        CannotUnseal,
        DumpFailed,
    )
    return Ending(str(fault), FAILED) if isinstance(fault, expected) else None


def _of_system(fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return (
            "The port is taken by another program. Give another one (--port, or LOCKSTEP_PORT), "
            "or end that program."
        )
    if fault.errno == errno.ENOSPC:
        return "The disk is full. Make room, then start this again."
    what = fault.filename or "a file or port"
    return f"This account may not use {what}. Give it the right to, or choose another place."
