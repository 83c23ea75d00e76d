"""What this process counts, in Prometheus' form. What the database knows is asked for the page, not counted."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

# A second series for each, which nothing here reads.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

VENDOR_CALLS = Counter(
    "lockstep_vendor_calls",
    "Calls to vendors, by what was asked for and what came of it.",
    ("vendor", "kind", "outcome"),
    registry=REGISTRY,
)
VENDOR_SECONDS = Histogram(
    "lockstep_vendor_call_seconds",
    "How long vendors take to answer.",
    ("vendor", "kind"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
REQUESTS = Counter(
    "lockstep_http_requests",
    "Requests answered, by the template of their path.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "lockstep_http_request_seconds",
    "How long answering took.",
    ("method", "route"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "lockstep_webhook_tries",
    "Tries to deliver an event to a webhook.",
    ("outcome",),
    registry=REGISTRY,
)
LEASES_LOST = Counter(
    "lockstep_leases_lost",
    "Work that another process had taken up before this one had ended it.",
    ("queue",),
    registry=REGISTRY,
)
