"""Calls that an emulated vendor makes to others: queued by the world, sent to loopback only, each logged.

Knows neither signatures nor payloads; whoever queues a delivery brings both.
"""

import ipaddress
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

import httpx2


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST to make. `hook` is the sender's own name for the subscription."""

    url: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    hook: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a delivery: `status` None where no answer came, and then `problem` says why."""

    delivery: Delivery
    status: int | None
    problem: str | None
    milliseconds: int
    headers: dict[str, str]

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


def is_loopback(url: str) -> bool:
    """Whether the host is this machine's loopback, by address or by the name localhost."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Outbox:
    """Deliveries in order. `client` makes the HTTP client; tests pass one that stays in-process."""

    def __init__(self, *, timeout_seconds: float = 5.0) -> None:
        self.client: Callable[[], httpx2.AsyncClient] = lambda: httpx2.AsyncClient(timeout=timeout_seconds)
        self.queued: Callable[[], None] = lambda: None
        """Called after each `put`; a task that sends sets it."""
        self._waiting: deque[Delivery] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, delivery: Delivery) -> None:
        """Queue a delivery."""
        self._waiting.append(delivery)
        self.queued()

    async def send_all(self) -> list[Delivered]:
        """Send what is queued, once each, in order. Other hosts than loopback are refused, not called."""
        done: list[Delivered] = []
        if not self._waiting:
            return done
        async with self.client() as client:
            while self._waiting:
                done.append(await _send(client, self._waiting.popleft()))
        return done


async def _send(client: httpx2.AsyncClient, delivery: Delivery) -> Delivered:
    if urlsplit(delivery.url).scheme != "http" or not is_loopback(delivery.url):
        return Delivered(delivery, None, "not sent: an emulator calls http on loopback only", 0, {})
    begun = perf_counter()
    try:
        reply = await client.post(delivery.url, content=delivery.body, headers=delivery.headers)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Delivered(delivery, None, type(error).__name__, _since(begun), {})
    return Delivered(delivery, reply.status_code, None, _since(begun), dict(reply.headers))


def _since(begun: float) -> int:
    return round((perf_counter() - begun) * 1000)
