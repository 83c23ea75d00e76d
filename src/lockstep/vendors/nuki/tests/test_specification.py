"""What we send, held against the vendor's own OpenAPI document."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from lockstep.driver.changes import EnsurePresent
from lockstep.model.window import Window
from lockstep.vendors.nuki.convert import creation, update
from lockstep.vendors.nuki.desk import FEATURES
from lockstep.vendors.nuki.tests.official import OFFICIAL

STARTS_AT = datetime(2026, 6, 1, 14, tzinfo=UTC)
STAY = Window(STARTS_AT, datetime(2026, 6, 3, 9, tzinfo=UTC))


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(OFFICIAL.read_text("utf-8"))
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def _change(window: Window, *, is_enabled: bool = True) -> EnsurePresent:
    return EnsurePresent(frozenset({"7"}), "345678", window, "Anna k7f2q", is_enabled=is_enabled)


BODIES = [
    pytest.param("SmartlockAuthCreate", creation(_change(STAY)), id="create"),
    pytest.param("SmartlockAuthCreate", creation(_change(Window(STARTS_AT))), id="create-ongoing"),
    pytest.param("SmartlockAuthUpdate", update(_change(STAY)), id="update"),
    pytest.param("SmartlockAuthUpdate", update(_change(STAY, is_enabled=False)), id="update-disabled"),
    pytest.param("SmartlockAuthUpdate", update(_change(Window(STARTS_AT))), id="update-ongoing"),
    pytest.param(
        "DecentralWebhook",
        {"webhookUrl": "https://example.org/c", "webhookFeatures": list(FEATURES)},
        id="webhook",
    ),
]


@pytest.mark.parametrize(("schema", "body"), BODIES)
def test_bodies_are_what_the_specification_says(
    schemas: dict[str, Any], schema: str, body: dict[str, Any]
) -> None:
    # Null takes a limit away (developer.nuki.io/t/86); the specification knows no null anywhere.
    sent = {name: value for name, value in body.items() if value is not None}
    OAS30Validator(schemas[schema]).validate(sent)


@pytest.mark.parametrize(("schema", "body"), BODIES)
def test_bodies_name_no_field_that_the_specification_lacks(
    schemas: dict[str, Any], schema: str, body: dict[str, Any]
) -> None:
    assert body.keys() <= schemas[schema]["properties"].keys()
