"""How a webhook that was made at this door is told of events: in Seam's types and shapes, signed as Svix signs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lockstep.http.seam.present.event import event as shape_of
from lockstep.http.seam.present.event import told_id
from lockstep.http.seam.present.event_types import types_of
from lockstep.model.event import RecordedEvent
from lockstep.operations.event_surroundings import around
from lockstep.operations.gate import Told, Tx


class SeamForm:
    """For the gate's `forms`."""

    header_families = ("svix", "webhook")

    def types_of(self, event: RecordedEvent) -> Sequence[str]:
        return types_of(event)

    async def tell(
        self, tx: Tx, event: RecordedEvent, as_type: str, workspace_id: str, *, with_digits: bool
    ) -> Told:
        near = await around(tx, [event], with_digits=with_digits, with_names=False)
        body = msgspec.json.encode(shape_of(event, as_type, near, workspace_id))
        return Told(told_id(event, as_type), body)
