"""Faults of single requests, in-process and over a real connection, and the journal that remembers them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest

from lockstep.emulation.faults import FaultKind
from lockstep.vendors.nuki.tests.emulated import DIGITS, TOKEN, Account
from lockstep.vendors.nuki.tests.served import served

Reached = Callable[[Account], AbstractAsyncContextManager[httpx2.AsyncClient]]


@asynccontextmanager
async def _in_process(account: Account) -> AsyncIterator[httpx2.AsyncClient]:
    yield account.http


def _over_loopback(parser: str) -> Reached:
    @asynccontextmanager
    async def reached(account: Account) -> AsyncIterator[httpx2.AsyncClient]:
        with served(account.app, http=parser) as address:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with httpx2.AsyncClient(base_url=address, headers=headers, verify=False) as client:
                yield client

    return reached


WAYS = pytest.mark.parametrize(
    "reached",
    [_in_process, _over_loopback("h11"), _over_loopback("httptools")],
    ids=["in-process", "h11", "httptools"],
)


async def _create(client: httpx2.AsyncClient, account: Account) -> httpx2.Response:
    body = {"name": "Guest", "type": 13, "code": DIGITS}
    return await client.put(f"/smartlock/{account.lock}/auth", json=body)


@WAYS
@pytest.mark.parametrize(
    ("kind", "is_done"),
    [(FaultKind.REPLY_LOST_BEFORE, False), (FaultKind.REPLY_LOST_AFTER, True)],
    ids=["before", "after"],
)
async def test_a_lost_reply_is_a_broken_connection_before_or_after_the_write(
    reached: Reached, kind: FaultKind, is_done: bool
) -> None:
    account = Account()
    account.strike(kind, method="PUT")
    async with reached(account) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await _create(client, account)
        assert (await client.get("/smartlock")).status_code == 200
    account.wait()
    assert account.on_lock() == ([DIGITS] if is_done else [])
    (call,) = account.world.journal.mutating()
    assert (call.status, call.fault) == (None, kind)


@WAYS
@pytest.mark.parametrize(
    ("kind", "is_done"),
    [(FaultKind.ERROR_BEFORE, False), (FaultKind.ERROR_AFTER, True)],
    ids=["before", "after"],
)
async def test_a_5xx_comes_before_or_after_the_write(
    reached: Reached, kind: FaultKind, is_done: bool
) -> None:
    account = Account()
    account.strike(kind, status=503, operation="SmartlockAuthsResource_put_put")
    async with reached(account) as client:
        assert (await client.get("/smartlock")).status_code == 200
        assert (await _create(client, account)).status_code == 503
    account.wait()
    assert account.on_lock() == ([DIGITS] if is_done else [])


@WAYS
async def test_a_truncated_body_is_half_of_what_was_meant(reached: Reached) -> None:
    account = Account()
    account.strike(FaultKind.TRUNCATED)
    async with reached(account) as client:
        half, whole = (await client.get("/smartlock")).text, (await client.get("/smartlock")).text
    assert whole.startswith(half)
    assert len(half) == len(whole) // 2
    with pytest.raises(ValueError, match="column"):
        httpx2.Response(200, text=half).json()


@pytest.mark.parametrize("kind", [FaultKind.SLOW, FaultKind.SLOW_BEFORE])
async def test_a_write_is_done_though_the_client_did_not_wait_for_its_slow_reply(kind: FaultKind) -> None:
    account = Account()
    account.strike(kind, seconds=1.0)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with served(account.app) as address:
        async with httpx2.AsyncClient(
            base_url=address, headers=headers, timeout=httpx2.Timeout(20, read=0.1), verify=False
        ) as client:
            with pytest.raises(httpx2.ReadTimeout):
                await _create(client, account)
    # The server has ended, and lets what it had begun come to its end first.
    account.wait()
    assert account.on_lock() == [DIGITS]


async def test_a_call_refused_as_too_fast_did_nothing() -> None:
    account = Account()
    account.strike(FaultKind.RATE_LIMITED, times=2)
    assert [(await account.create()).status_code for _ in range(3)] == [429, 429, 204]


async def test_the_journal_tells_every_call_and_what_came_of_it_without_digits_or_token() -> None:
    account = Account()
    await account.create()
    account.world.take_offline(account.lock)
    account.wait()
    await account.call("GET", "/smartlock?type=4")
    await account.call("POST", "/smartlock/{lock}/sync")
    await account.call("PUT", "/smartlock/{lock}/auth", "no object")
    told = (await account.call("GET", "/_emulator/journal")).json()["calls"]
    assert [(call["method"], call["status"], call["is_mutating"]) for call in told] == [
        ("PUT", 204, True),
        ("GET", 200, False),
        ("POST", 204, False),
        ("PUT", 400, True),
    ]
    assert [came["what"] for came in told[0]["came_of_it"]] == ["create queued", "lost: the lock is offline"]
    assert told[0]["operation"] == "SmartlockAuthsResource_put_put"
    assert told[1]["query"] == "type=4"
    assert told[0]["body"]["code"] == "******"
    assert DIGITS not in str(told)
    assert TOKEN not in str(told)


async def test_the_journal_keeps_digits_where_it_is_told_to_and_is_cleared_on_request() -> None:
    account = Account(keeps_digits_in_journal=True)
    await account.create()
    (call,) = (await account.call("GET", "/_emulator/journal")).json()["calls"]
    assert call["body"]["code"] == DIGITS
    assert (await account.call("DELETE", "/_emulator/journal")).status_code == 204
    assert (await account.call("GET", "/_emulator/journal")).json() == {"calls": []}


async def test_a_call_that_is_no_json_is_journalled_by_its_length_alone() -> None:
    account = Account()
    await account.http.put(f"/smartlock/{account.lock}/auth", content=f"code={DIGITS}")
    (call,) = account.world.journal.mutating()
    assert call.body == "<11 bytes that are not JSON>"
