"""Rows of /customers."""

from __future__ import annotations

from tests.http.seam.rows.access_codes import STAY
from tests.http.seam.walk import Body, Row, Walk


async def a_house(walk: Walk) -> Body:
    number = walk.number()
    where = {"property_keys": [f"villa-{number}"], "guest_key": f"anna-{number}"}
    return {
        "customer_key": f"host-{number}",
        "properties": [{"property_key": f"villa-{number}", "name": "Villa"}],
        "guests": [{"guest_key": f"anna-{number}", "name": "Anna", "email_address": "anna@example.com"}],
        "reservations": [{"reservation_key": f"stay-{number}", **where, **STAY}],
    }


async def told(walk: Walk) -> Body:
    house = await a_house(walk)
    await walk.ask("/customers/push_data", **house)
    return {"customer_keys": [house["customer_key"]]}


async def a_portal(walk: Walk) -> Body:
    return {
        "customer_data": await a_house(walk),
        "read_only": True,
        "locale": "de-DE",
        "navigation_mode": "restricted",
        "is_embedded": True,
        "customization_profile_id": "8c8d3c4e-0d7c-4b6b-9a50-6a4a0e6f0f11",
        "customer_resources_filters": [{"field": "is_new", "operation": "=", "value": True}],
        "deep_link": {"resource_type": "reservation", "resource_key": "stay-1"},
        "landing_page": {"manage": {"property_key": "house"}},
        "features": {
            "manage": {"exclude": True},
            "connect": {"exclude": True, "accepted_providers": ["nuki"]},
        },
    }


ROWS = {
    "/customers/create_portal": Row(
        a_portal,
        bad=(
            {"customer_data": None},
            {"customer_data": {"properties": []}},
            {"locale": "xx"},
            {"customer_resources_filters": [{"field": "1", "operation": "=", "value": True}]},
        ),
    ),
    "/customers/push_data": Row(
        a_house,
        bad=({"customer_key": None}, {"guests": [{"name": "Anna"}]}, {"reservations": {}}),
    ),
    "/customers/delete_data": Row(told, bad=({"guest_keys": "anna"},)),
}
