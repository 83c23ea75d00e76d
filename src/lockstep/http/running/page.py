"""The metrics page: what this process counted, and what the database tells, asked anew at most every so often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lockstep.kit.metrics import REGISTRY
from lockstep.operations.figures import Figures


class Page:
    """`figures` asks the database; `seconds` real time between two questions; `monotonic` counts real seconds."""

    def __init__(
        self, figures: Callable[[], Awaitable[Figures]], monotonic: Callable[[], float], seconds: float = 15.0
    ) -> None:
        self._figures = figures
        self._monotonic = monotonic
        self._seconds = seconds
        self._known: Figures | None = None
        self._known_at = 0.0
        self._alone = asyncio.Lock()

    async def text(self) -> bytes:
        """In Prometheus' text format. Where the database does not answer, its part is missing and `up` says so."""
        figures = await self._current()
        registry = CollectorRegistry()
        registry.register(_Told(figures))
        return bytes(generate_latest(REGISTRY) + generate_latest(registry))

    async def _current(self) -> Figures | None:
        async with self._alone:
            if self._known is None or self._monotonic() - self._known_at >= self._seconds:
                try:
                    self._known = await self._figures()
                except Exception:  # noqa: BLE001 - the page must tell that the database is down, not go down with it
                    self._known = None
                self._known_at = self._monotonic()
            return self._known


class _Told(Collector):
    def __init__(self, figures: Figures | None) -> None:
        self._figures = figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        figures = self._figures
        yield _one("lockstep_database_up", "Whether the database answered.", float(figures is not None))
        if figures is None:
            return
        ages = {q.queue: q.age_seconds for q in figures.queues}
        yield _by("lockstep_queue_age_seconds", "How long the first due row has waited.", "queue", ages)
        due = {q.queue: float(q.due) for q in figures.queues}
        yield _by("lockstep_queue_due", "Rows that are due and that nobody works on.", "queue", due)
        standings = {s.value: float(n) for s, n in figures.arriving_codes.items()}
        yield _by(
            "lockstep_arriving_codes",
            "Doors of guests inside or arriving within 24 h, as they stand.",
            "standing",
            standings,
        )
        yield _one("lockstep_proven_share", "Share of these that is proven.", figures.proven_share)
        yield _one("lockstep_late_codes", "Doors and codes that need somebody.", figures.late_codes)
        yield _one("lockstep_unsequenced_events", "Events without a position yet.", figures.unsequenced)
        yield _one(
            "lockstep_unsequenced_age_seconds", "Age of the oldest of them.", figures.unsequenced_age_seconds
        )
        accounts = GaugeMetricFamily("lockstep_accounts", "Connected accounts.", labels=["vendor", "state"])
        for counted in figures.accounts:
            accounts.add_metric([counted.kind, counted.state], counted.count)
        yield accounts
        for name, text, rows in (
            ("lockstep_locks", "Locks, by whether their vendor reaches them.", figures.locks),
            ("lockstep_calendars", "Calendars, by state.", figures.calendars),
            ("lockstep_webhooks", "Webhooks, by state.", figures.webhooks),
        ):
            yield _by(name, text, "state", {row.state: float(row.count) for row in rows})


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family
