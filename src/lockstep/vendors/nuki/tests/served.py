"""An emulator behind a real port on loopback, in a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """Tells when it listens, or why it does not."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        self.listening.set()


@contextmanager
def served(app: ASGIApp, *, http: str = "auto") -> Iterator[str]:
    """Serve `app` while the block runs; gives its address."""
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", http=http))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listening.wait(timeout=20), "The emulator did not begin to listen within 20 s."
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
