"""An hour in which nothing changes: how often an account is asked, and what is kept of the answers."""

from __future__ import annotations

from datetime import timedelta

from tests.whole.house import build_house
from tests.whole.stage import Site, connected, make_site

from lockstep.emulation.clock import VirtualClock

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SNAPSHOT = ("/smartlock", "/smartlock/auth")


def asked(site: Site) -> dict[str, int]:
    """How often each of the calls was made that together show the whole account."""
    return {path: sum(call.path == path for call in site.journal) for path in SNAPSHOT}


async def test_twenty_locks_of_an_account_are_read_as_often_as_one_and_one_reading_covers_them_all(
    database_url: str, clock: VirtualClock
) -> None:
    one, twenty = make_site(clock, "nuki", locks=1), make_site(clock, "nuki", locks=20)
    one.credentials["endpoint"], twenty.credentials["endpoint"] = "http://one.test", "http://twenty.test"
    worlds = {"one.test": one.app, "twenty.test": twenty.app}
    # Two workspaces on one database: whichever of the houses passes the time, does so for both.
    async with (
        build_house(database_url, clock, worlds) as ones,
        build_house(database_url, clock, worlds) as twenties,
    ):
        stages = [await connected(ones, one), await connected(twenties, twenty)]
        lets = [(s, await s.let(lock, -HOUR, 3 * DAY)) for s in stages for lock in s.site.locks]
        await ones.advance(clock.now() + HOUR)
        assert {await stage.standing(let) for stage, let in lets} == {"proven"}
        for site in (one, twenty):
            site.journal.clear()
        await ones.advance(clock.now() + HOUR)
        assert stages[0].writes() == stages[1].writes() == 0
        few, many = asked(one), asked(twenty)
        assert min(few.values()) >= HOUR / (15 * MINUTE), few
        # One more: where the last of the twenty was proven later than the one, and the hour ends between two looks.
        assert all(many[path] <= few[path] + 1 for path in SNAPSHOT), (few, many)
        async with twenties.gate.database.reading(twenties.actor.workspace_id) as db:
            (reading,) = await db.fetch("select covers, begun_at from readings")
        assert set(twenty.locks) <= set(reading["covers"])
        assert reading["begun_at"] > clock.now() - 16 * MINUTE
