"""What an emulator sends goes to loopback only, once, in order, and is told of."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.emulation.outbox import Delivery, Outbox, is_loopback


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8080/a", True),
        ("http://127.9.9.9/", True),
        ("http://localhost/", True),
        ("http://[::1]:80/", True),
        ("http://10.0.0.1/", False),
        ("http://localhost.example.org/", False),
        ("http://0.0.0.0/", False),
        ("nonsense", False),
    ],
)
def test_only_this_machine_s_own_addresses_are_loopback(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


async def test_deliveries_are_made_in_order_and_their_outcome_is_told() -> None:
    taken: list[bytes] = []

    async def take(request: Request) -> Response:
        taken.append(await request.body())
        return Response(status_code=200 if len(taken) == 1 else 500)

    outbox = Outbox()
    app = Starlette(routes=[Route("/", take, methods=["POST"])])
    outbox.client = lambda: httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app))
    for url, body in (
        ("http://127.0.0.1/", b"1"),
        ("http://127.0.0.1/", b"2"),
        ("http://example.org/", b"3"),
    ):
        outbox.put(Delivery(url, {}, body))
    first, second, third = await outbox.send_all()
    assert taken == [b"1", b"2"]
    assert (first.succeeded, second.succeeded, second.status) == (True, False, 500)
    assert (third.status, third.succeeded) == (None, False)
    assert await outbox.send_all() == []


async def test_a_receiver_that_is_not_there_is_told_of_and_holds_up_nothing() -> None:
    outbox = Outbox()
    # Port 9 discards; nothing listens there.
    outbox.put(Delivery("http://127.0.0.1:9/", {}, b""))
    (delivered,) = await outbox.send_all()
    assert delivered.problem == "ConnectError"
