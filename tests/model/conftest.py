"""How hard the properties of the model are tried: `--long` multiplies the examples."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings


def pytest_configure(config: pytest.Config) -> None:
    """Timings are never tests, so no example has a deadline. Forty on two cores is what six minutes have room for."""
    relaxed: dict[str, Any] = {
        "deadline": None,
        "suppress_health_check": [HealthCheck.too_slow],
        "print_blob": True,
    }
    settings.register_profile("default", max_examples=40, **relaxed)
    settings.register_profile("long", max_examples=2_000, **relaxed)
    settings.load_profile("long" if config.getoption("--long", default=False) else "default")
