"""What can go wrong at an emulated vendor, each as the control surface below `/_emulator` offers it, and its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.whole.ground import PATIENCE
from tests.whole.stage import Site

from lockstep.emulation.faults import Fault, FaultKind

NUKI_WAYS: list[dict[str, Any]] = [
    {},
    {"listing": "before"},
    {"updates_show": "before"},
    {"offline_writes": "kept"},
    {"burst_loses_last": True, "burst_seconds": 60.0},
    {"returns_digits": False},
    {"app_changes": "daily"},
    {"full_refused_by": "cloud"},
    {"write_delay_seconds": 25.0},
]
"""What Nuki does where its manual is silent, or its customers report trouble."""
BLIND_TO = {FaultKind.WRITE_LOST, FaultKind.WRITE_LATE}
"""What nobody can notice on a lock that shows nothing."""
IN_TIME, TOO_LATE = 0.02, PATIENCE.total_seconds() * 1.4
"""Real seconds that a slow answer takes."""


@dataclass(slots=True)
class VendorTroubles:
    """Of one site. `mend` ends all of them."""

    site: Site
    refuses_credentials: bool = False
    refuses_writes: bool = False
    has_ghosts: bool = False
    offline: set[str] = field(default_factory=set)

    @property
    def shows_nothing(self) -> bool:
        return self.site.features.shows == "none"

    def call_goes_wrong(
        self, kind: FaultKind, times: int, skip: int, *, is_long: bool, mutating: bool | None, status: int
    ) -> bool:
        """The next calls, behind `skip`, of the kind that the fault can strike. False: nobody could ever notice it."""
        if self.shows_nothing and kind in BLIND_TO:
            return False
        seconds = 0.0
        if kind in (FaultKind.SLOW, FaultKind.SLOW_BEFORE):
            seconds = TOO_LATE if is_long else IN_TIME
        elif kind is FaultKind.STALE:
            seconds, mutating = (4 * 3600 if is_long else 60), False
        elif kind in BLIND_TO:
            seconds, mutating = self.site.features.late_seconds * (0.75 if is_long else 0.4), True
        self.site.faults.add(
            Fault(kind=kind, times=times, skip=skip, mutating=mutating, seconds=seconds, status=status)
        )
        return True

    def connect(self, lock: str, is_online: bool) -> None:
        self.site.online(lock, is_online)
        (self.offline.discard if is_online else self.offline.add)(lock)

    def refuse_credentials(self) -> None:
        self.site.refuse_credentials()
        self.refuses_credentials = True

    def limit_calls(self, calls: int | None) -> None:
        limit = None if calls is None else {"calls": calls, "per_seconds": 60.0}
        self.site.cloud().change_settings({"rate_limit": limit})

    def refuse_writes(self, lock: str) -> None:
        """The subscription has ended."""
        self.site.subscribed(lock, is_subscribed=False)
        self.refuses_writes = True

    def list_as_before(self, times: int) -> None:
        """The list of locks is one of a time before there were any. Only Nuki's is kept back so."""
        past = 30 * 24 * 3600.0
        self.site.faults.add(
            Fault(kind=FaultKind.STALE, method="GET", path="/smartlock", times=times, seconds=past)
        )

    def leave_ghosts(self) -> None:
        """Deleted codes stay listed until the daily sync. Only Nuki has such."""
        self.site.cloud().change_settings({"deletes_leave_ghosts": True})
        self.has_ghosts = True

    def mend(self) -> None:
        """As the vendor's people, the electrician and the post office would."""
        self.site.faults.clear()
        self.limit_calls(None)
        for lock in sorted(self.offline):
            self.connect(lock, is_online=True)
        if self.refuses_credentials:
            self.site.accept_credentials()
        if self.refuses_writes:
            for lock in self.site.locks:
                self.site.subscribed(lock, is_subscribed=True)
        if self.has_ghosts:
            self.site.cloud().change_settings({"deletes_leave_ghosts": False})
        self.site.sync()
        self.refuses_credentials = self.refuses_writes = self.has_ghosts = False
