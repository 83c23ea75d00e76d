"""What of the pages may be set. Read by the command line; nothing here reads the environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Sessions, attempts to sign in, and how quickly pages follow."""

    public_url: str | None = None
    """How the world reaches the pages, where a proxy stands before them."""
    session_lasts: timedelta = timedelta(hours=12)
    """Real time from signing in; a revoked key ends its sessions at once."""
    sign_in_burst: int = 10
    """Attempts to sign in that one address may make at once."""
    sign_in_per_minute: float = 6.0
    """And how many more it may make after that, in each process."""
    look_again_seconds: float = 5.0
    """A page that hears of no change looks unasked after this long: for what changes with time alone."""
    least_pause_seconds: float = 0.1
    """Between two renderings of one page; a slow one makes its own pause longer."""
