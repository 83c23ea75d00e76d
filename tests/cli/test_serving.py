"""Listening on a port."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette

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
