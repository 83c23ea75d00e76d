"""/customers: what a booking system tells of its customers all at once. Seam has ten words for a place, six for a
person and three for a stay; all of a kind are one to Lockstep."""

from __future__ import annotations

from collections.abc import Iterable
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Digits, Id, Instant, Params, Text
from lockstep.http.seam.present.ids import asked
from lockstep.http.seam.present.portal import portal
from lockstep.http.seam.spaces import OfCustomer
from lockstep.operations import customers, portals
from lockstep.operations.customers import Forget, Person, Place, Push, Stay
from lockstep.operations.gate import Tx
from lockstep.operations.portals import NewPortal

PLACES = {
    "spaces": "space",
    "buildings": "building",
    "common_areas": "common_area",
    "facilities": "facility",
    "listings": "listing",
    "properties": "property",
    "property_listings": "property_listing",
    "rooms": "room",
    "sites": "site",
    "units": "unit",
}
PEOPLE = {
    "guests": "guest",
    "residents": "resident",
    "tenants": "tenant",
    "users": "user",
    "user_identities": "user_identity",
    "staff_members": "staff_member",
}
STAYS = {"reservations": "reservation", "bookings": "booking", "access_grants": "access_grant"}


class _Place(Params):
    name: Text
    parent_site_key: Text | None = None
    customer_data: OfCustomer | None = None


class _Person(Params):
    name: Annotated[str, Field(max_length=200)]
    email_address: Annotated[str, Field(max_length=200)] | None = None
    phone_number: Annotated[str, Field(max_length=40)] | None = None


class _Stay(Params):
    name: Annotated[str, Field(max_length=200)] | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    preferred_code: Digits | None = None


def _made(name: str, of: type[Params], fields: dict[str, Any]) -> Any:
    """A model with these fields besides; pydantic's own types of this do not take a dictionary."""
    make: Any = create_model
    return make(name, __base__=of, **fields)


def _some(of: Any) -> Any:
    """A list of these, or null."""
    return GenericAlias(list, (of,)) | None


def _each(kinds: dict[str, str], of: type[Params], more: dict[str, Any]) -> dict[str, Any]:
    """For each word a list of things that have the key of that word."""
    return {
        plural: (_some(_made(f"{of.__name__}_{word}", of, {f"{word}_key": (Text, ...), **more})), None)
        for plural, word in kinds.items()
    }


def _lists_of_keys(words: Iterable[str]) -> dict[str, Any]:
    return {f"{word}_keys": (list[Text] | None, None) for word in words}


_KEYS_OF_PEOPLE: dict[str, Any] = {f"{word}_key": (Text | None, None) for word in PEOPLE.values()}
Told = _made(
    "Told",
    Params,
    {
        "customer_key": (Text, ...),
        **_each(PLACES, _Place, {}),
        **_each(PEOPLE, _Person, {}),
        **_each(STAYS, _Stay, {**_lists_of_keys(PLACES.values()), **_KEYS_OF_PEOPLE}),
    },
)
Gone = _made(
    "Gone",
    Params,
    _lists_of_keys(["customer", *PLACES.values(), *PEOPLE.values(), *STAYS.values()]),
)


class _Filter(Params):
    field: Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=200)]
    operation: Literal["="]
    value: str | bool


class _Stays(Params):
    """Of the feature `manage`, what there is to hide."""

    exclude: bool = False
    exclude_reservation_management: bool = False


class _Features(Params):
    manage: _Stays = Field(default_factory=_Stays)


class _Link(Params):
    resource_type: Literal["reservation", "space", "device"]
    resource_key: Text | None = None
    resource_id: Id | None = None


_Beginning = _made("_Beginning", Params, {f"{word}_key": (Text | None, None) for word in PLACES.values()})
_Landing = _made("_Landing", Params, {"manage": (_Beginning | None, None)})
Locale = Literal["en-US", "pt-PT", "fr-FR", "it-IT", "es-ES", "de-DE", "nl-NL", "el-GR", "pl-PL", "ru-RU"]
CreatePortal = _made(
    "CreatePortal",
    Params,
    {
        "customer_data": (Told, ...),
        "customer_resources_filters": (list[_Filter] | None, None),
        "customization_profile_id": (Id | None, None),
        "deep_link": (_Link | None, None),
        "exclude_locale_picker": (bool | None, None),
        "features": (_Features | None, None),
        "is_embedded": (bool | None, None),
        "landing_page": (_Landing | None, None),
        "locale": (Locale | None, None),
        "navigation_mode": (Literal["full", "restricted"] | None, None),
        "read_only": (bool | None, None),
    },
)


async def create_portal(call: Asked, params: Any) -> Answer:
    """What is told of the customer is kept first, if anything is; the page shows it, and changes nothing."""
    pushed, wanted = _told_of(params.customer_data), _portal_of(params)

    async def push_and_create(tx: Tx) -> NewPortal:
        await customers.push(tx, call.actor, pushed)
        return await portals.create(tx, call.actor, wanted)

    made = await call.change(push_and_create)
    shape = portal(made, call.link(made.path), call.workspace_id)
    return {"customer_portal": shape, "magic_link": shape}


def _portal_of(params: Any) -> portals.CreatePortal:
    """The page has one language, and nothing to connect, organize or configure by."""
    stays = params.features.manage if params.features else _Stays()
    landing, link = params.landing_page and params.landing_page.manage, params.deep_link
    keys = [key for word in PLACES.values() if landing and (key := getattr(landing, f"{word}_key"))]
    if link and link.resource_type == "space":
        keys.insert(0, link.resource_key)
    device_id = link.resource_id if link and link.resource_type == "device" else None
    return portals.CreatePortal(
        params.customer_data.customer_key,
        {it.field: it.value for it in params.customer_resources_filters or ()},
        stays.exclude or stays.exclude_reservation_management,
        bool(params.is_embedded),
        keys[0] if keys else None,
        None if device_id is None else asked("lock", device_id),
    )


async def push(call: Asked, params: Any) -> Answer:
    command = _told_of(params)
    await call.change(lambda tx: customers.push(tx, call.actor, command))
    return {}


async def delete(call: Asked, params: Any) -> Answer:
    command = Forget(
        tuple(params.customer_keys or ()),
        _keys(params, PLACES),
        _keys(params, PEOPLE),
        _keys(params, STAYS),
    )
    await call.change(lambda tx: customers.forget(tx, call.actor, command))
    return {}


def _told_of(params: Any) -> Push:
    return Push(
        params.customer_key,
        tuple(_place(it, word) for it, word in _told(params, PLACES)),
        tuple(_person(it, word) for it, word in _told(params, PEOPLE)),
        tuple(_stay(it, word) for it, word in _told(params, STAYS)),
    )


def _told(params: Any, kinds: dict[str, str]) -> list[tuple[Any, str]]:
    return [(it, word) for plural, word in kinds.items() for it in getattr(params, plural) or ()]


def _keys(params: Any, kinds: dict[str, str]) -> tuple[str, ...]:
    found = [key for word in kinds.values() for key in getattr(params, f"{word}_keys") or ()]
    return tuple(dict.fromkeys(found))


def _place(it: Any, word: str) -> Place:
    of = it.customer_data or OfCustomer()
    return Place(
        getattr(it, f"{word}_key"),
        it.name,
        it.parent_site_key,
        of.address,
        of.time_zone,
        of.default_checkin_time,
        of.default_checkout_time,
    )


def _person(it: Any, word: str) -> Person:
    return Person(getattr(it, f"{word}_key"), it.name, it.email_address, it.phone_number)


def _stay(it: Any, word: str) -> Stay:
    people = [key for person in PEOPLE.values() if (key := getattr(it, f"{person}_key"))]
    return Stay(
        getattr(it, f"{word}_key"),
        _keys(it, PLACES),
        people[0] if people else None,
        it.name,
        it.starts_at,
        it.ends_at,
        it.preferred_code,
    )


PATHS: tuple[Path, ...] = (
    Path("/customers/create_portal", CreatePortal, create_portal),
    Path("/customers/push_data", Told, push),
    Path("/customers/delete_data", Gone, delete),
)
