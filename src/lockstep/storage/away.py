"""The database is away: how that is told from all else that may go wrong."""

from __future__ import annotations

from typing import Any

import asyncpg


class Away(Exception):
    """The database cannot be reached, or was lost in the middle: what came of it is not known."""


class AwayBefore(Away):
    """The same, and for certain nothing was done: what was not committed is as if it had never been."""


NO_MORE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
"""What the server says when it ends a connection, or gives none."""
PERHAPS = (*NO_MORE, asyncpg.InterfaceError, OSError)
"""What a lost connection may be told by; but for those above it may be a fault of ours as well."""


def is_lost(connection: Any, error: BaseException) -> bool:
    """Whether it was this connection, lent by a pool, that failed."""
    if isinstance(error, NO_MORE):
        return True
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        # The pool has taken it back, which it does by itself where a connection is gone.
        return True
