"""What tests of the API share besides fixtures."""

from collections.abc import Awaitable, Callable

MakeKey = Callable[..., Awaitable[str]]


class Seconds:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}
