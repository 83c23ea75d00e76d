"""Turns at a thing."""

from __future__ import annotations

import asyncio

from lockstep.kit.turns import Turns


async def test_one_task_at_a_time_is_at_a_thing_and_others_are_at_other_things() -> None:
    turns, seen, may_end, are_two = Turns(), list[str](), asyncio.Event(), asyncio.Event()

    async def be_at(thing: str, name: str) -> None:
        async with turns.at(thing):
            seen.append(f"{name} begins")
            if len(seen) == 2:
                are_two.set()
            await may_end.wait()
            seen.append(f"{name} ends")

    async with asyncio.TaskGroup() as group:
        for thing, name in (("door", "a"), ("door", "b"), ("gate", "c")):
            group.create_task(be_at(thing, name))
        await are_two.wait()
        assert seen == ["a begins", "c begins"]
        may_end.set()

    assert seen.index("a ends") < seen.index("b begins")


async def test_a_turn_that_fails_is_over() -> None:
    turns = Turns()
    for _ in range(2):
        try:
            async with turns.at("door"):
                raise LookupError
        except LookupError:
            continue

    async with turns.at("door"):
        pass
