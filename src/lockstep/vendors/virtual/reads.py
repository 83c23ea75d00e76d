"""Reads of the virtual vendor: the account's locks, listings page by page, the log. Changes nothing at the vendor.

Keeps a copy of what the vendor said of its locks, which is asked for again wherever it is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from lockstep.driver.changes import ObserveScope
from lockstep.driver.contract import LogEntry, ObservedEntry, Reading
from lockstep.driver.outcomes import UnexpectedReply, VendorUnreachable
from lockstep.kit.clock import Clock
from lockstep.vendors.virtual import convert, wire
from lockstep.vendors.virtual.client import Answer, Client

T = TypeVar("T")


class Reads:
    """What one account shows."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._locks: dict[str, wire.Lock] = {}

    def known(self, lock: str) -> wire.Lock | None:
        """A lock, where the vendor has told of it already."""
        return self._locks.get(lock)

    async def account(self) -> wire.Account:
        """Every lock, with its features."""
        answer = await self._client.read("/v1/account")
        account = _read(answer, wire.Account, "GET /v1/account")
        self._locks = {lock.id: lock for lock in account.locks}
        return account

    async def reading(self, scope: ObserveScope) -> Reading:
        """Codes, states, and the log where it is asked for; in one listing where the account has one."""
        begun_at = self._clock.now()
        wanted = scope.targets
        if wanted is not None and len(wanted) == 1:
            ids = set(wanted)
            listings = await self._pages(f"/v1/locks/{min(wanted)}/codes")
        else:
            if wanted is None or not wanted <= self._locks.keys():
                await self.account()
            ids = set(self._locks if wanted is None else wanted) & self._locks.keys()
            listings = await self._listings(ids)
        unread = {id for listing in listings for id in listing.unread}
        told = {lock.id: lock for listing in listings for lock in listing.locks if lock.id in ids}
        with Readable("a listing"):
            entries = self._entries(listings, ids)
            states = {id: convert.state_of(lock) for id, lock in told.items()}
        log = await self._visits(ids, scope.since) if scope.since is not None else ()
        return Reading(begun_at, frozenset(told) - unread, entries, states, log)

    async def lock_for(self, targets: frozenset[str], seconds: float) -> wire.Lock:
        """The features of the first target, asked for where this driver is new."""
        first = min(targets)
        if first not in self._locks and seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self.account()
            except TimeoutError as error:
                raise VendorUnreachable("the locks could not be read in time; nothing was written") from error
        if first not in self._locks:
            raise VendorUnreachable(f"the account does not show the lock {first}; nothing was written")
        return self._locks[first]

    async def _listings(self, ids: set[str]) -> list[wire.Listing]:
        readable = {id for id in ids if self._locks[id].features.shows != "none"}
        blind = wire.Listing((), tuple(self._locks[id] for id in ids - readable))
        if len(readable) > 1 and all(lock.features.lists_account for lock in self._locks.values()):
            return [blind, *await self._pages("/v1/codes")]
        pages = [page for id in sorted(readable) for page in await self._pages(f"/v1/locks/{id}/codes")]
        return [blind, *pages]

    async def _pages(self, path: str) -> list[wire.Listing]:
        pages: list[wire.Listing] = []
        query: dict[str, str] = {}
        while True:
            answer = await self._client.read(path, query)
            if answer.is_missing:
                # A lock that has left the account: unread, not empty.
                return []
            page = _read(answer, wire.Listing, f"GET {path}")
            pages.append(page)
            self._locks |= {lock.id: lock for lock in page.locks}
            if page.next is None:
                return pages
            query = {"cursor": page.next}

    def _entries(self, listings: Iterable[wire.Listing], ids: set[str]) -> tuple[ObservedEntry, ...]:
        found: dict[str, ObservedEntry] = {}
        for code in (code for listing in listings for code in listing.codes):
            if not code.locks:
                raise ValueError("a code on no lock")
            if ids & set(code.locks):
                entry = convert.entry_of(code, self._locks)
                found[entry.reference] = entry
        return tuple(found.values())

    async def _visits(self, ids: set[str], since: datetime) -> tuple[LogEntry, ...]:
        if not any(self._locks[id].features.log for id in ids & self._locks.keys()):
            return ()
        query = {"since": since.isoformat()}
        visits: list[wire.Visit] = []
        while True:
            page = _read(await self._client.read("/v1/log", query), wire.Log, "GET /v1/log")
            visits += page.visits
            if not page.more or not page.visits:
                return tuple(convert.log_entry_of(visit) for visit in visits if visit.lock in ids)
            query = {**query, "after": page.visits[-1].id}


class Readable:
    """Turns what a reply does not hold, though the manual says so, into UnexpectedReply.

    The cause is not kept: its words may hold digits.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, msgspec.ValidationError | KeyError | ValueError | StopIteration):
            raise UnexpectedReply(f"{self._what}: {type(error).__name__}") from None


def _read(answer: Answer, type: type[T], what: str) -> T:
    with Readable(what):
        if answer.is_missing:
            raise ValueError("404")
        return msgspec.convert(answer.body, type)
