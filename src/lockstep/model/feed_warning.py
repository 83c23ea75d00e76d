"""What a host is told when a feed is followed only in part. Each says what was met and what to do."""

from __future__ import annotations

from lockstep.model.feed import FeedWarning


def guest_inside(booking_id: str) -> FeedWarning:
    return FeedWarning(
        "guest_inside",
        booking_id,
        "The calendar cancels a stay whose guest is inside; the code stays until the departure.",
        "Cancel the booking by hand if the guest has left.",
    )


def departure_past(booking_id: str) -> FeedWarning:
    return FeedWarning(
        "departure_past",
        booking_id,
        "The calendar moved the departure of a guest who is inside into the past; the known one stays.",
        "End the booking by hand if the guest has left.",
    )


def edit_replaced(booking_id: str) -> FeedWarning:
    return FeedWarning(
        "edit_replaced",
        booking_id,
        "The calendar has new dates for a booking that was changed by hand; the calendar's are followed.",
        "Change the booking again if your dates still hold.",
    )


def overlap(uid: str) -> FeedWarning:
    return FeedWarning(
        "overlap",
        uid,
        "Two stays of this property share a night; both get a code.",
        "Check for a double booking and cancel one of them.",
    )
