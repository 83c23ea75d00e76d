"""What of the API may be set. Read by the command line; nothing here reads the environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Limits of the API."""

    requests_per_second: float = 20.0
    """Per API key, in the long run, in each process."""
    burst: int = 100
    """Requests that a key which was quiet may make at once."""
    most_body_bytes: int = 256 * 1024
    """Larger requests are refused."""
    actor_seconds: float = 1.0
    """For how long a key that was found good is taken for good without asking the database again; so long does
    a revocation take to reach other processes (the one that revokes obeys at once)."""
