"""Events about the workspace itself and about who may use it. `events` lists them with all others."""

from __future__ import annotations

from lockstep.kit.frozen import dataclass
from lockstep.model.event import Event


@dataclass(frozen=True, kw_only=True)
class ApiKeyEvent(Event):
    api_key_id: str


class ApiKeyCreated(ApiKeyEvent):
    """A key was made."""

    kind = "api_key.created"


class ApiKeyRevoked(ApiKeyEvent):
    """A key was revoked: it is refused from now on."""

    kind = "api_key.revoked"


@dataclass(frozen=True, kw_only=True)
class WorkspaceEvent(Event):
    workspace_id: str


class WorkspaceCreated(WorkspaceEvent):
    """The workspace was made."""

    kind = "workspace.created"


class WorkspaceChanged(WorkspaceEvent):
    """Its name or its retention changed."""

    kind = "workspace.changed"


class WorkspaceReset(WorkspaceEvent):
    """A sandbox was put back to how it began: what was made in it is gone."""

    kind = "workspace.reset"


class WorkspaceConfirmed(WorkspaceEvent):
    """An operator confirmed that this database, restored or copied, is the one that rules."""

    kind = "workspace.confirmed"


@dataclass(frozen=True, kw_only=True)
class OperatorEvent(Event):
    operator_id: str


@dataclass(frozen=True, kw_only=True)
class OperatorJoined(OperatorEvent):
    """An operator belongs to the workspace now, or has another role in it."""

    kind = "operator.joined"
    role: str


class OperatorLeft(OperatorEvent):
    """An operator belongs to the workspace no more."""

    kind = "operator.left"


@dataclass(frozen=True, kw_only=True)
class OperatorTokenEvent(OperatorEvent):
    operator_token_id: str


class OperatorTokenCreated(OperatorTokenEvent):
    """A personal token was made: whoever shows it is this operator."""

    kind = "operator_token.created"


class OperatorTokenRevoked(OperatorTokenEvent):
    """A personal token was revoked: it is refused from now on."""

    kind = "operator_token.revoked"


@dataclass(frozen=True, kw_only=True)
class GuestMerged(Event):
    """A guest turned out to be another one, who has all that it had."""

    kind = "guest.merged"
    guest_id: str
    merged_guest_id: str


@dataclass(frozen=True, kw_only=True)
class GuestDeviceEvent(Event):
    guest_id: str
    device_id: str


class GuestDeviceGiven(GuestDeviceEvent):
    """A guest's own app reaches a device, apart from any stay."""

    kind = "guest.device_given"


class GuestDeviceTaken(GuestDeviceEvent):
    """A guest's own app reaches a device no more."""

    kind = "guest.device_taken"


@dataclass(frozen=True, kw_only=True)
class InstantKeyEvent(Event):
    instant_key_id: str
    guest_id: str


class InstantKeyCreated(InstantKeyEvent):
    """A link was made that opens a guest's session on their own device."""

    kind = "instant_key.created"


class InstantKeyUsed(InstantKeyEvent):
    """Somebody opened a guest's session by the link."""

    kind = "instant_key.used"


class InstantKeyDeleted(InstantKeyEvent):
    """The link lets nobody in any more, and its session is over."""

    kind = "instant_key.deleted"


@dataclass(frozen=True, kw_only=True)
class ClientSessionEvent(Event):
    client_session_id: str


class ClientSessionCreated(ClientSessionEvent):
    """A client session was made."""

    kind = "client_session.created"


class ClientSessionChanged(ClientSessionEvent):
    """What it reaches, or whom it is for, changed."""

    kind = "client_session.changed"


class ClientSessionRevoked(ClientSessionEvent):
    """A client session was revoked: its token is refused from now on."""

    kind = "client_session.revoked"


class ClientSessionDeleted(ClientSessionEvent):
    """A client session was deleted."""

    kind = "client_session.deleted"
