"""Plays the story: moves the shared clock from one due moment to the next, lets Lockstep work, walks up to doors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lockstep.cli.demo.host import Host
from lockstep.cli.demo.stage import LostReply, Stage
from lockstep.cli.demo.story import GUESTS, STAYS, Happening, Visit, happenings, visits
from lockstep.cli.wiring import Built
from lockstep.emulation.clock import VirtualClock
from lockstep.workers.loop import pass_time
from lockstep.workers.sweeps.sequencer import sequence_all

_UNTIL_READ_AGAIN = timedelta(minutes=20)
"""A calendar is read every quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Entered:
    """One line of the table."""

    visit: Visit
    should_open: bool
    opened: bool

    @property
    def is_wrong(self) -> bool:
        return self.should_open != self.opened


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the story: the lines of the table, and the write whose answer was lost (None: there was none)."""

    lines: list[Entered]
    lost: LostReply | None

    @property
    def is_loss_wrong(self) -> bool:
        """The answer was not lost at all, or the code was written again for want of it."""
        return self.lost is None or self.lost.times != 1

    @property
    def wrong(self) -> int:
        return sum(line.is_wrong for line in self.lines) + self.is_loss_wrong


class Play:
    """One telling of the story, as far as `until`. `say` is told what happens, as it happens."""

    def __init__(
        self,
        built: Built,
        clock: VirtualClock,
        stage: Stage,
        host: Host,
        say: Callable[[str], None],
        until: datetime | None = None,
    ) -> None:
        self._built = built
        self._clock = clock
        self._stage = stage
        self._host = host
        self._say = say
        self._until = until
        self._told: dict[str, str] = {}

    async def play(self) -> Told:
        await self._stage.lose_a_reply()
        self._say("The answer to the second write will be lost on its way, after it was done.")
        await self._host.move_in(self._stage.nuki, self._stage.publish())
        await self._pass_until(self._clock.now())
        await self._tell_guests()
        table: list[Entered] = []
        scenes: list[Happening | Visit] = sorted([*happenings(), *visits()], key=lambda s: s.at)
        for scene in scenes:
            if self._until is not None and scene.at > self._until:
                break
            await self._pass_until(scene.at)
            if isinstance(scene, Happening):
                self._say(f"{scene.at:%d %b %H:%M} UTC  {scene.told}")
                await self._stage.happen(scene.what)
            else:
                table.append(await self._walk_up(scene))
        return Told(table, await self._stage.lost_reply())

    async def look_ahead(self) -> None:
        """When the story is told somebody books, so that the first page has somebody to expect."""
        self._say(f"{self._clock.now():%d %b %H:%M} UTC  Finn books Flat 2 from today on")
        self._stage.books.book_finn()
        self._stage.publish()
        await self._pass_until(self._clock.now() + _UNTIL_READ_AGAIN)

    async def _walk_up(self, visit: Visit) -> Entered:
        should_open = self._stage.books.should_open(visit)
        opened = await self._stage.enter(visit.door, self._told[STAYS[visit.number].reservation_code])
        return Entered(visit, should_open, opened)

    async def _tell_guests(self) -> None:
        """Each guest is told their digits once, and never again: whatever happens to the stay, these must do."""
        self._told = await self._host.codes()
        missing = {s.reservation_code for s in STAYS.values()} - self._told.keys()
        if missing:
            raise RuntimeError(f"{len(missing)} guests were given no code")

    async def _pass_until(self, until: datetime) -> None:
        """Let time pass; whatever falls due on the way is done at its own moment."""
        gate = self._built.gate
        await pass_time(gate, self._built.processes, until, self._move_to)
        await sequence_all(gate)

    async def _move_to(self, at: datetime) -> None:
        self._clock.set(at)


def guest_of(visit: Visit) -> str:
    return f"{visit.flat}: {GUESTS[visit.number]}"
