"""Examples of ids for the API's description: what is called the same is the same kind of id everywhere."""

from __future__ import annotations

from typing import Any

_PREFIXES = {
    "connected_account": "account",
    "device": "lock",
    "space": "space",
    "property": "space",
    "parent_space": "space",
    "calendar": "calendar",
    "booking": "booking",
    "lost_booking": "booking",
    "guest": "guest",
    "access_grant": "grant",
    "access_method": "method",
    "access_code": "code",
    "unmanaged_code": "code",
    "pulled_backup_code": "code",
    "backup_access_code": "code",
    "action_attempt": "attempt",
    "webhook": "webhook",
    "delivery": "delivery",
    "event": "event",
    "api_key": "key",
    "workspace": "ws",
}
_TAIL = "01jzx4vb3ce7mtq0c6bd0qwj8r"


def add_examples_of_ids(document: dict[str, Any]) -> None:
    """To parameters and properties that are ids and have no example yet."""
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                found = _example(parameter["name"])
                if found is not None and parameter["in"] == "path":
                    parameter.setdefault("example", found)
    for schema in document["components"]["schemas"].values():
        for name, value in schema.get("properties", {}).items():
            found = _example(name)
            if found is not None:
                value.setdefault("examples", [found])


def _example(name: str) -> str | list[str] | None:
    noun, _, ending = name.rpartition("_")
    if noun not in _PREFIXES or ending not in ("id", "ids"):
        return None
    id = f"{_PREFIXES[noun]}_{_TAIL}"
    return [id] if ending == "ids" else id
