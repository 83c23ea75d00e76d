"""Listening on a port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from lockstep.cli.serving import serving


async def test_a_port_is_shared_by_those_alone_who_say_so() -> None:
    async with serving(Starlette(), shares_port=True) as first:
        port = urlsplit(first).port
        assert port is not None
        async with serving(Starlette(), port=port, shares_port=True) as second:
            assert first == second
        with pytest.raises(OSError, match="in use"):
            async with serving(Starlette(), port=port):
                pass


class _Caller(asyncio.Protocol):
    """Keeps the pieces in which an answer comes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.news = asyncio.Event()
        self.has_ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        self.news.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self.has_ended.set_result(None)


@asynccontextmanager
async def _asking(address: str, headers: bytes = b"") -> AsyncIterator[_Caller]:
    found = urlsplit(address)
    assert found.hostname is not None
    assert found.port is not None
    transport, caller = await asyncio.get_running_loop().create_connection(
        _Caller, found.hostname, found.port
    )
    transport.write(b"GET / HTTP/1.1\r\nhost: here\r\n" + headers + b"\r\n")
    yield caller
    transport.close()
    await caller.has_ended


async def test_an_answer_comes_whole_also_where_the_connection_is_closed_behind_it() -> None:
    async def answer(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("It opens.")

    async with serving(Starlette(routes=[Route("/", answer)])) as address:
        async with _asking(address) as caller:
            await caller.news.wait()
            (piece,) = caller.pieces
            assert piece.startswith(b"HTTP/1.1 200 OK")
            assert piece.endswith(b"It opens.")
        async with _asking(address, b"connection: close\r\n") as closed:
            await closed.has_ended
            assert b"".join(closed.pieces).endswith(b"It opens.")


async def test_what_is_told_bit_by_bit_comes_when_it_is_told() -> None:
    goes_on = asyncio.Event()

    async def bits() -> AsyncIterator[bytes]:
        yield b"first"
        await goes_on.wait()
        yield b"second"

    async def answer(_request: Request) -> StreamingResponse:
        return StreamingResponse(bits())

    async with (
        serving(Starlette(routes=[Route("/", answer)])) as address,
        _asking(address, b"connection: close\r\n") as caller,
    ):
        while b"first" not in b"".join(caller.pieces):
            caller.news.clear()
            await caller.news.wait()
        assert b"second" not in b"".join(caller.pieces)
        goes_on.set()
        await caller.has_ended
        assert b"second" in b"".join(caller.pieces)
