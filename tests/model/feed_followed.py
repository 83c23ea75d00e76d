"""What is known after a decision on a feed was followed, as the worker stores it; adoptions are left out."""

from __future__ import annotations

from dataclasses import replace

from lockstep.model.feed import FeedDecision, FeedKnowledge, KnownStay


def follow(known: FeedKnowledge, decision: FeedDecision) -> FeedKnowledge:
    stays = {stay.booking_id: stay for stay in known.stays}
    for id in (*decision.unchanged, *decision.delayed, *(change.booking_id for change in decision.change)):
        stays[id] = replace(stays[id], misses=0, missing_since=None)
    for change in decision.change:
        stays[change.booking_id] = replace(stays[change.booking_id], said=change.said, window=change.window)
    for miss in decision.miss:
        stays[miss.booking_id] = replace(
            stays[miss.booking_id], misses=miss.misses, missing_since=miss.missing_since
        )
    for cancel in decision.cancel:
        stays[cancel.booking_id] = replace(stays[cancel.booking_id], cancelled="feed")
    for made in decision.create:
        id = f"n{len(stays):03}"
        stays[id] = KnownStay(id, made.stay, made.stay.window)
    return replace(
        known,
        stays=tuple(stays.values()),
        hold=decision.held,
        echoes=decision.echoes,
        confirmed_losses=known.confirmed_losses if decision.doubt else frozenset(),
    )
