"""The forms in which webhooks are told of events: Lockstep's own, and those that a way in brings along. Knows no kind
of event by name."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lockstep.model.event import RecordedEvent
from lockstep.operations.gate import Form, Gate, Told, Tx

LOCKSTEP = "lockstep"
SEAM = "seam"


class _Plain:
    """Events as the API shows them; they hold no digits."""

    header_families = ("webhook",)

    def types_of(self, event: RecordedEvent) -> Sequence[str]:
        return (event.type,)

    async def tell(
        self, tx: Tx, event: RecordedEvent, as_type: str, workspace_id: str, *, with_digits: bool
    ) -> Told:
        said = {"type": event.type, "timestamp": event.occurred_at, "data": event}
        return Told(event.event_id, msgspec.json.encode(said))


PLAIN: Form = _Plain()


def form_of(gate: Gate, name: str) -> Form:
    """The form of a webhook."""
    return PLAIN if name == LOCKSTEP else gate.forms[name]
