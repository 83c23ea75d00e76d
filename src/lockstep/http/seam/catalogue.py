"""Every path of Seam's documented contract that concerns locks (OpenAPI 1.1038.0), with the verbs that it takes.

`tier` 1 and 2 are to be built; the others are known, so that a caller is told that they are not here."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec


class KnownPath(msgspec.Struct, frozen=True):
    """One path. `answers`: the key under which its answer stands; None: it answers nothing but `ok`."""

    path: str
    tier: int | None
    verbs: frozenset[str]
    answers: str | None
    is_paginated: bool


@functools.cache
def known_paths() -> dict[str, KnownPath]:
    """By path."""
    text = resources.files("lockstep.http.seam").joinpath("paths.json").read_bytes()
    return {known.path: known for known in msgspec.json.decode(text, type=list[KnownPath])}


@functools.cache
def event_types() -> frozenset[str]:
    """Every type of event that the contract has."""
    text = resources.files("lockstep.http.seam").joinpath("event_types.json").read_bytes()
    return frozenset(msgspec.json.decode(text, type=list[str]))


class DeviceWords(msgspec.Struct, frozen=True):
    """Closed lists of what a device may be and who made it: the contract's, and behind these what the SDKs of today
    know besides, since they send it."""

    device_types: tuple[str, ...]
    manufacturers: tuple[str, ...]


@functools.cache
def device_words() -> DeviceWords:
    text = resources.files("lockstep.http.seam").joinpath("device_words.json").read_bytes()
    return msgspec.json.decode(text, type=DeviceWords)


OTHERS = frozenset({"bridges", "cameras", "connectors", "noise_sensors", "phones", "thermostats"})
"""First parts of Seam's paths that concern no lock: known, and not here."""


def first_part(path: str) -> str:
    """Such as `access_codes`; empty where a path has none."""
    return path.partition("/")[2].partition("/")[0]


@functools.cache
def namespaces() -> frozenset[str]:
    """The first parts of all paths."""
    return frozenset(first_part(path) for path in known_paths()) | OTHERS
