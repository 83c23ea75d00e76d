"""What tests of the pages share besides fixtures."""

from collections.abc import Awaitable, Callable

import httpx2

from lockstep.operations.api_keys import NewApiKey

ADDRESS = "http://lockstep.test"

MakeKey = Callable[..., Awaitable[NewApiKey]]


class Seconds:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def sign_in(client: httpx2.AsyncClient, secret: str) -> httpx2.Response:
    return await client.post("/sign-in", data={"api_key": secret})
