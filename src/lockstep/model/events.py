"""Events: immutable facts in public ids, without digits and without personal data: the closed list of their kinds.

Knows neither who records them nor who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from lockstep.kit.frozen import dataclass
from lockstep.model import connecting_events as connecting_events
from lockstep.model.booking_events import BookingCancelled as BookingCancelled
from lockstep.model.booking_events import BookingChanged as BookingChanged
from lockstep.model.booking_events import BookingCreated as BookingCreated
from lockstep.model.booking_events import BookingEvent as BookingEvent
from lockstep.model.booking_events import BookingHeld as BookingHeld
from lockstep.model.booking_events import BookingReleased as BookingReleased
from lockstep.model.booking_events import CalendarAdded as CalendarAdded
from lockstep.model.booking_events import CalendarChanged as CalendarChanged
from lockstep.model.booking_events import CalendarEvent as CalendarEvent
from lockstep.model.booking_events import CalendarFailed as CalendarFailed
from lockstep.model.booking_events import CalendarHeld as CalendarHeld
from lockstep.model.booking_events import CalendarRecovered as CalendarRecovered
from lockstep.model.booking_events import CalendarReleased as CalendarReleased
from lockstep.model.booking_events import CalendarRemoved as CalendarRemoved
from lockstep.model.booking_events import CalendarWarned as CalendarWarned
from lockstep.model.device_events import DeviceAdded as DeviceAdded
from lockstep.model.device_events import DeviceBackupPoolChanged as DeviceBackupPoolChanged
from lockstep.model.device_events import DeviceBatteryChanged as DeviceBatteryChanged
from lockstep.model.device_events import DeviceCameOnline as DeviceCameOnline
from lockstep.model.device_events import DeviceChanged as DeviceChanged
from lockstep.model.device_events import DeviceConnectionFlaky as DeviceConnectionFlaky
from lockstep.model.device_events import DeviceConnectionStabilized as DeviceConnectionStabilized
from lockstep.model.device_events import DeviceEvent as DeviceEvent
from lockstep.model.device_events import DeviceLeft as DeviceLeft
from lockstep.model.device_events import DeviceLowBattery as DeviceLowBattery
from lockstep.model.device_events import DeviceRemoved as DeviceRemoved
from lockstep.model.device_events import DeviceRenamed as DeviceRenamed
from lockstep.model.device_events import DeviceSubscriptionFound as DeviceSubscriptionFound
from lockstep.model.device_events import DeviceSubscriptionRequired as DeviceSubscriptionRequired
from lockstep.model.device_events import DeviceWentOffline as DeviceWentOffline
from lockstep.model.device_events import LockAccessDenied as LockAccessDenied
from lockstep.model.device_events import LockEvent as LockEvent
from lockstep.model.device_events import LockLocked as LockLocked
from lockstep.model.device_events import LockUnlocked as LockUnlocked
from lockstep.model.event import Event as Event
from lockstep.model.event import Failed as Failed
from lockstep.model.events_of_callers import ApiKeyCreated as ApiKeyCreated
from lockstep.model.events_of_callers import ApiKeyRevoked as ApiKeyRevoked
from lockstep.model.events_of_callers import ClientSessionChanged as ClientSessionChanged
from lockstep.model.events_of_callers import ClientSessionCreated as ClientSessionCreated
from lockstep.model.events_of_callers import ClientSessionDeleted as ClientSessionDeleted
from lockstep.model.events_of_callers import ClientSessionRevoked as ClientSessionRevoked
from lockstep.model.events_of_callers import GuestDeviceGiven as GuestDeviceGiven
from lockstep.model.events_of_callers import GuestDeviceTaken as GuestDeviceTaken
from lockstep.model.events_of_callers import GuestMerged as GuestMerged
from lockstep.model.events_of_callers import InstantKeyCreated as InstantKeyCreated
from lockstep.model.events_of_callers import InstantKeyDeleted as InstantKeyDeleted
from lockstep.model.events_of_callers import InstantKeyUsed as InstantKeyUsed
from lockstep.model.events_of_callers import OperatorJoined as OperatorJoined
from lockstep.model.events_of_callers import OperatorLeft as OperatorLeft
from lockstep.model.events_of_callers import OperatorTokenCreated as OperatorTokenCreated
from lockstep.model.events_of_callers import OperatorTokenRevoked as OperatorTokenRevoked
from lockstep.model.events_of_callers import WorkspaceChanged as WorkspaceChanged
from lockstep.model.events_of_callers import WorkspaceConfirmed as WorkspaceConfirmed
from lockstep.model.events_of_callers import WorkspaceCreated as WorkspaceCreated
from lockstep.model.events_of_callers import WorkspaceReset as WorkspaceReset
from lockstep.model.events_of_codes import AccessCodeAdopted as AccessCodeAdopted
from lockstep.model.events_of_codes import AccessCodeBackupPulled as AccessCodeBackupPulled
from lockstep.model.events_of_codes import AccessCodeChanged as AccessCodeChanged
from lockstep.model.events_of_codes import AccessCodeCreated as AccessCodeCreated
from lockstep.model.events_of_codes import AccessCodeDeleted as AccessCodeDeleted
from lockstep.model.events_of_codes import AccessCodeDuplicateTaken as AccessCodeDuplicateTaken
from lockstep.model.events_of_codes import AccessCodeEditedOutside as AccessCodeEditedOutside
from lockstep.model.events_of_codes import AccessCodeEvent as AccessCodeEvent
from lockstep.model.events_of_codes import AccessCodeFailed as AccessCodeFailed
from lockstep.model.events_of_codes import AccessCodeFailedToRemove as AccessCodeFailedToRemove
from lockstep.model.events_of_codes import AccessCodeFailedToSet as AccessCodeFailedToSet
from lockstep.model.events_of_codes import AccessCodeFull as AccessCodeFull
from lockstep.model.events_of_codes import AccessCodeGone as AccessCodeGone
from lockstep.model.events_of_codes import AccessCodeLate as AccessCodeLate
from lockstep.model.events_of_codes import AccessCodeLeft as AccessCodeLeft
from lockstep.model.events_of_codes import AccessCodeMissedStart as AccessCodeMissedStart
from lockstep.model.events_of_codes import AccessCodeModifiedOutside as AccessCodeModifiedOutside
from lockstep.model.events_of_codes import AccessCodeNotSet as AccessCodeNotSet
from lockstep.model.events_of_codes import AccessCodeOverwrittenAgain as AccessCodeOverwrittenAgain
from lockstep.model.events_of_codes import AccessCodeReleased as AccessCodeReleased
from lockstep.model.events_of_codes import AccessCodeRemovedFromDevice as AccessCodeRemovedFromDevice
from lockstep.model.events_of_codes import AccessCodeRemovedOutside as AccessCodeRemovedOutside
from lockstep.model.events_of_codes import AccessCodeSetOnDevice as AccessCodeSetOnDevice
from lockstep.model.events_of_codes import AccessCodeStarted as AccessCodeStarted
from lockstep.model.events_of_codes import AccessCodeUnconfirmed as AccessCodeUnconfirmed
from lockstep.model.events_of_codes import UnmanagedCodeCreated as UnmanagedCodeCreated
from lockstep.model.events_of_codes import UnmanagedCodeDeleted as UnmanagedCodeDeleted
from lockstep.model.events_of_codes import UnmanagedCodeEvent as UnmanagedCodeEvent
from lockstep.model.events_of_codes import UnmanagedCodeRemoved as UnmanagedCodeRemoved


@dataclass(frozen=True, kw_only=True)
class AccessGrantEvent(Event):
    access_grant_id: str
    booking_id: str | None = None
    form: str = "grant"
    """`code`: it was asked for as a single code on one lock."""


class AccessGrantCreated(AccessGrantEvent):
    """Somebody is to be let in."""

    kind = "access_grant.created"


@dataclass(frozen=True, kw_only=True)
class AccessGrantChanged(AccessGrantEvent):
    """Its window, guest, name or places changed."""

    kind = "access_grant.changed"
    is_moved: bool = False
    """Its window is another; these are the new one's ends."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AccessGrantMet(AccessGrantEvent):
    """Its code is proven on every lock that it opens. `is_again`: it was so before, with other digits or another
    window, or on other locks."""

    kind = "access_grant.met"
    is_again: bool = False


class AccessGrantLate(AccessGrantEvent):
    """It begins soon, or has begun, and its code is not proven on a lock; told once for each start, whatever locks."""

    kind = "access_grant.late"


class AccessGrantMissedStart(AccessGrantEvent):
    """It has begun, and its code is not proven on a lock; told once for each start, whatever locks."""

    kind = "access_grant.missed_start"


class AccessGrantCancelled(AccessGrantEvent):
    """Nobody is to be let in by it any more."""

    kind = "access_grant.cancelled"


@dataclass(frozen=True, kw_only=True)
class ConnectedAccountEvent(Failed):
    connected_account_id: str


@dataclass(frozen=True, kw_only=True)
class ConnectedAccountConnected(ConnectedAccountEvent):
    """Credentials of a vendor were given and work; what is under it is known. `is_again`: it was connected before."""

    kind = "connected_account.connected"
    connect_webview_id: str | None = None
    is_again: bool = False


class ConnectedAccountCredentialsRefused(ConnectedAccountEvent):
    """The vendor refuses the credentials: nothing can be written until new ones are given."""

    kind = "connected_account.credentials_refused"


@dataclass(frozen=True, kw_only=True)
class ConnectedAccountRecovered(ConnectedAccountEvent):
    """It can be reached again, or has new credentials that work. `has_new_credentials`: the latter."""

    kind = "connected_account.recovered"
    has_new_credentials: bool = False


class ConnectedAccountDisconnecting(ConnectedAccountEvent):
    """It is being disconnected: its codes are dealt with as was asked."""

    kind = "connected_account.disconnecting"


@dataclass(frozen=True, kw_only=True)
class ConnectedAccountDisconnected(ConnectedAccountEvent):
    """It is disconnected; its credentials are destroyed. `codes_left`: how many codes of ours may stand on its locks
    still, backup codes among them. Nobody takes them off any more."""

    kind = "connected_account.disconnected"
    codes_left: int = 0


class DeviceManaged(DeviceEvent):
    """Lockstep looks after it again."""

    kind = "device.managed"


class DeviceUnmanaged(DeviceEvent):
    """Lockstep neither looks at it nor writes to it any more; the codes on it stay there."""

    kind = "device.unmanaged"


@dataclass(frozen=True, kw_only=True)
class GuestEvent(Event):
    guest_id: str


class GuestCreated(GuestEvent):
    """A guest was entered."""

    kind = "guest.created"


class GuestChanged(GuestEvent):
    """What is known of the guest changed."""

    kind = "guest.changed"


class GuestErased(GuestEvent):
    """The guest's personal data was erased."""

    kind = "guest.erased"


@dataclass(frozen=True, kw_only=True)
class SpaceEvent(Event):
    property_id: str
    space_id: str | None = None


class PropertyCreated(SpaceEvent):
    """A property was entered."""

    kind = "property.created"


@dataclass(frozen=True, kw_only=True)
class PropertyChanged(SpaceEvent):
    """Its name, address, time zone, times, spaces or devices changed. `change`: `details`, `devices`, or of the space
    within it `space_created` or `space_removed`."""

    kind = "property.changed"
    change: str = "details"


class PropertyRemoved(SpaceEvent):
    """It was removed."""

    kind = "property.removed"


@dataclass(frozen=True, kw_only=True)
class ActionAttemptEvent(Failed):
    action_attempt_id: str
    device_id: str
    action: str = "unlock"


class ActionAttemptCreated(ActionAttemptEvent):
    """Somebody asked for an act, such as unlocking now."""

    kind = "action_attempt.created"


class ActionAttemptSucceeded(ActionAttemptEvent):
    """The vendor did what was asked."""

    kind = "action_attempt.succeeded"


class ActionAttemptFailed(ActionAttemptEvent):
    """What was asked was not done, or nobody knows whether it was."""

    kind = "action_attempt.failed"


@dataclass(frozen=True, kw_only=True)
class WebhookEvent(Event):
    webhook_id: str


class WebhookCreated(WebhookEvent):
    """A subscription was made."""

    kind = "webhook.created"


class WebhookChanged(WebhookEvent):
    """Its address, kinds or secret changed, or it was enabled again."""

    kind = "webhook.changed"


class WebhookRemoved(WebhookEvent):
    """The subscription was removed."""

    kind = "webhook.removed"


@dataclass(frozen=True, kw_only=True)
class WebhookDisabled(WebhookEvent):
    """Nothing could be delivered to it for days: it gets nothing more until it is enabled again."""

    kind = "webhook.disabled"
    failing_since: datetime


def _kinds_below(kind: type[Event]) -> Iterator[type[Event]]:
    for sub in kind.__subclasses__():
        if sub.kind:
            yield sub
        yield from _kinds_below(sub)


KINDS: Mapping[str, type[Event]] = {k.kind: k for k in sorted(_kinds_below(Event), key=lambda k: k.kind)}
"""Every kind of event by its name; the class's docstring says what it means."""
