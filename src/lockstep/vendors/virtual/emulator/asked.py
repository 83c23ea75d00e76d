"""One call to the API as its answers see it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from lockstep.emulation.faults import Fault
from lockstep.vendors.virtual.emulator.records import Lock
from lockstep.vendors.virtual.emulator.world import VirtualWorld


@dataclass(frozen=True, slots=True)
class Asked:
    """One call to the API, its token checked and everything due settled."""

    world: VirtualWorld
    path: dict[str, str]
    query: dict[str, str]
    raw: bytes
    fault: Fault | None
    now: datetime

    def lock(self) -> Lock:
        """The lock that the path names."""
        return self.world.lock(self.path["lock"])


Answer = Callable[[Asked], Response]
