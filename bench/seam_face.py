"""(h) Lockstep's Seam door over npm `@seamapi/fake-seam-connect`, which holds all in memory: the same requests by the
same script, one side after the other, in rounds. It needs wrk, node and npm.

Everything that Lockstep answers is on the disk: PostgreSQL's fsync is as it is by default."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from bench.figure import Figure
from bench.place import passing_folder
from bench.seam_sides import Answers, Side, fake, install, ours, require_programs

ROUNDS, SECONDS, HELD = 3, 5, 20_000
LIST, GET, CREATE = "/devices/list", "/devices/get", "/access_codes/create"
LIMITS = {LIST: 0.4, GET: 0.4, CREATE: 0.7}
LIMIT_HELD = 1.6

Rounds = list[tuple[Answers, Answers]]
"""Ours and the fake's, round by round."""


async def measure() -> list[Figure]:
    require_programs()
    with passing_folder() as folder:
        package = await install(folder)
        empty = await _from_empty(package)
        held = await _with_codes(package)
    return [
        _figure("listing 5 devices", empty[LIST], LIMITS[LIST]),
        _figure("getting a device", empty[GET], LIMITS[GET]),
        _figure("creating a code, from empty", empty[CREATE], LIMITS[CREATE]),
        _figure(f"creating a code, with {HELD:,} present", held, LIMIT_HELD),
    ]


async def _from_empty(package: Path) -> dict[str, Rounds]:
    """Each round on servers that are new, since a round fills them."""
    found: dict[str, Rounds] = {path: [] for path in LIMITS}
    for _ in range(ROUNDS):
        async with fake(package, 0) as theirs:
            of_theirs = await _each(theirs)
        async with ours(0) as mine:
            of_ours = await _each(mine)
        for path in LIMITS:
            found[path].append((of_ours[path], of_theirs[path]))
    return found


async def _each(side: Side) -> dict[str, Answers]:
    await _warm(side)
    return {path: await side.ask(path, SECONDS) for path in LIMITS}


async def _warm(side: Side) -> None:
    """What is compiled, or prepared, at first use."""
    for path in LIMITS:
        await side.ask(path, 1)


async def _with_codes(package: Path) -> Rounds:
    found: Rounds = []
    async with AsyncExitStack() as stack:
        theirs = await stack.enter_async_context(fake(package, HELD))
        mine = await stack.enter_async_context(ours(HELD))
        await _warm(theirs)
        await _warm(mine)
        for _ in range(ROUNDS):
            await mine.until_quiet()
            of_theirs = await theirs.ask(CREATE, SECONDS)
            found.append((await mine.ask(CREATE, SECONDS), of_theirs))
    return found


def _figure(what: str, rounds: Rounds, limit: float) -> Figure:
    ratios = [mine.a_second / theirs.a_second for mine, theirs in rounds]
    return Figure(
        "h",
        f"Seam's API at concurrency 16, {what}, over the fake in memory",
        median(ratios),
        limit,
        at_least=True,
        detail=f"{_told([mine for mine, _ in rounds])}; the fake {_told([theirs for _, theirs in rounds])}; "
        f"median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f}",
    )


def _told(answers: Sequence[Answers]) -> str:
    rate = median(a.a_second for a in answers)
    middle, slow = median(a.p50_ms for a in answers), median(a.p99_ms for a in answers)
    return f"{rate:.0f} a second, p50 {middle:.1f} ms, p99 {slow:.1f} ms"
