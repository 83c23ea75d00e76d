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
    return {"customer_data": await a_house(walk), "read_only": True}


ROWS = {
    "/customers/create_portal": Row(
        a_portal, bad=({"customer_data": None}, {"customer_data": {"properties": []}})
    ),
    "/customers/push_data": Row(
        a_house,
        bad=({"customer_key": None}, {"guests": [{"name": "Anna"}]}, {"reservations": {}}),
    ),
    "/customers/delete_data": Row(told, bad=({"guest_keys": "anna"},)),
}
