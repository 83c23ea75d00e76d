"""Questions asked together: one at a time, each answered with its own, and nobody left waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from lockstep.kit.together import CannotTell, Questions, Together


class Undone(Exception):
    """Nothing came of it."""


class Clerk:
    """Doubles numbers, when it is let; 13 is refused, and 99 breaks it."""

    def __init__(self, most: int = 10) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Semaphore(0)
        self.breaks = asyncio.Event()
        self.together: Together[int, int] = Together(self._answer, most, is_undone=(Undone,))

    async def _answer(self, keys: Sequence[int]) -> Sequence[int]:
        self.asked.append(list(keys))
        await self.may_answer.acquire()
        if 13 in keys:
            raise Undone
        if 99 in keys:
            self.breaks.set()
            raise OSError
        return [key * 2 for key in keys]

    async def ask(self, *keys: int) -> list[asyncio.Task[int]]:
        """One after the other, each in a task that has gone as far as it can."""
        tasks = []
        for key in keys:
            tasks.append(asyncio.create_task(self.together.one(key)))
            await self.settle()
        return tasks

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    def answer(self, questions: int) -> None:
        for _ in range(questions):
            self.may_answer.release()


async def test_whoever_comes_while_one_asks_is_asked_for_with_the_others_and_told_their_own() -> None:
    clerk = Clerk()
    tasks = await clerk.ask(1, 2, 3, 4)
    assert clerk.asked == [[1]]
    clerk.answer(2)
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert clerk.asked == [[1], [2, 3, 4]]
    assert clerk.together.is_idle


async def test_those_who_come_in_the_same_moment_are_asked_for_together_at_once() -> None:
    clerk = Clerk()
    clerk.answer(1)
    assert await asyncio.gather(*(clerk.together.one(key) for key in (1, 2, 3))) == [2, 4, 6]
    assert clerk.asked == [[1, 2, 3]]


async def test_no_question_has_more_than_the_most_keys() -> None:
    clerk = Clerk(most=2)
    tasks = await clerk.ask(1, 2, 3, 4)
    clerk.answer(3)
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert clerk.asked == [[1], [2, 3], [4]]


@pytest.mark.parametrize("keys", [(1, 13, 3), (1, 3, 13)])
async def test_a_key_that_is_refused_is_nobody_elses_trouble(keys: tuple[int, ...]) -> None:
    clerk = Clerk()
    tasks = await clerk.ask(*keys)
    clerk.answer(4)
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(t) if isinstance(t, Exception) else t for t in told] == [
        Undone if key == 13 else key * 2 for key in keys
    ]
    assert clerk.together.is_idle


async def test_where_nobody_knows_what_came_of_the_question_all_are_told_so() -> None:
    clerk = Clerk()
    tasks = await clerk.ask(1, 2, 99)
    clerk.answer(2)
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert told[0] == 2
    assert [type(t) for t in told[1:]] == [OSError, CannotTell]
    assert clerk.together.is_idle


async def test_who_gives_up_while_waiting_is_not_asked_for() -> None:
    clerk = Clerk()
    first, second, third = await clerk.ask(1, 2, 3)
    second.cancel()
    clerk.answer(2)
    assert (await first, await third) == (2, 6)
    assert clerk.asked == [[1], [3]]


async def test_who_is_ended_just_when_it_is_his_turn_hands_it_on() -> None:
    clerk = Clerk()
    first, second, third = await clerk.ask(1, 2, 3)
    clerk.answer(2)
    await first
    second.cancel()
    assert await third == 6
    assert clerk.together.is_idle


async def test_who_is_ended_while_asking_for_others_asks_to_the_end_and_is_ended_then() -> None:
    clerk = Clerk()
    first, second, third, fourth = await clerk.ask(1, 2, 3, 4)
    first.cancel()
    await clerk.settle()
    assert first.cancelled()
    assert clerk.asked == [[1], [2, 3, 4]]
    second.cancel()
    await clerk.settle()
    clerk.answer(2)
    assert (await third, await fourth) == (6, 8)
    await asyncio.wait([second])
    assert second.cancelled()
    assert await clerk.together.one(5) == 10


async def test_who_is_ended_while_asking_leaves_the_others_to_ask_again_where_nothing_came_of_it() -> None:
    clerk = Clerk()
    _, second, third, _ = await clerk.ask(1, 2, 3, 13)
    clerk.answer(1)
    await clerk.settle()
    second.cancel()
    clerk.answer(3)
    assert await third == 6
    assert second.cancelled()
    assert clerk.asked == [[1], [2, 3, 13], [3], [13]]
    assert clerk.together.is_idle


async def test_a_question_for_which_nobody_waits_any_more_is_given_up() -> None:
    clerk = Clerk()
    first, second, third = await clerk.ask(1, 2, 3)
    clerk.answer(1)
    await first
    third.cancel()
    await clerk.settle()
    second.cancel()
    await asyncio.wait([second])
    assert second.cancelled()
    assert clerk.together.is_idle


async def test_who_is_ended_just_when_the_question_fails_is_ended() -> None:
    clerk = Clerk()
    first, second, third = await clerk.ask(1, 99, 3)

    async def end_third() -> None:
        await clerk.breaks.wait()
        third.cancel()

    ending = asyncio.create_task(end_third())
    await clerk.settle()
    clerk.answer(2)
    await asyncio.gather(first, second, third, ending, return_exceptions=True)
    assert third.cancelled()


async def test_questions_of_one_name_are_asked_together_and_others_by_themselves() -> None:
    asked: list[tuple[str, list[int]]] = []
    questions = Questions(10, is_undone=(Undone,))

    async def ask(name: str, key: int) -> int:
        async def answer(keys: Sequence[int]) -> Sequence[int]:
            asked.append((name, list(keys)))
            await asyncio.sleep(0)
            return [key * 2 for key in keys]

        return await questions.one(name, answer, key)

    found = await asyncio.gather(ask("a", 1), ask("a", 2), ask("b", 3), ask("a", 4))
    assert list(found) == [2, 4, 6, 8]
    assert sorted(asked) == [("a", [1, 2, 4]), ("b", [3])]


async def test_who_was_told_late_leaves_the_next_question_of_that_name_together() -> None:
    asked: list[list[int]] = []
    questions = Questions(10, is_undone=(Undone,))
    is_answered = asyncio.Event()

    async def answer(keys: Sequence[int]) -> Sequence[int]:
        asked.append(list(keys))
        is_answered.set()
        return keys

    async def after(turns: int, key: int) -> int:
        await is_answered.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        return await questions.one("a", answer, key)

    late = [asyncio.create_task(after(0, 3)), asyncio.create_task(after(2, 4))]
    await asyncio.gather(questions.one("a", answer, 1), questions.one("a", answer, 2), *late)
    assert asked == [[1, 2], [3, 4]]
