"""Events of connecting: what callers give an account, and the links on which people connect theirs."""

from __future__ import annotations

from lockstep.kit.frozen import dataclass
from lockstep.model.event import Event, Failed


@dataclass(frozen=True, kw_only=True)
class ConnectedAccountChanged(Event):
    """Its label, customer or own values changed, or what becomes of new devices."""

    kind = "connected_account.changed"
    connected_account_id: str


@dataclass(frozen=True, kw_only=True)
class ConnectWebviewEvent(Failed):
    connect_webview_id: str


class ConnectWebviewCreated(ConnectWebviewEvent):
    """A link was made on which somebody can connect an account."""

    kind = "connect_webview.created"


class ConnectWebviewDeleted(ConnectWebviewEvent):
    """The link was taken back; the account that was connected by it stays."""

    kind = "connect_webview.deleted"


@dataclass(frozen=True, kw_only=True)
class ConnectWebviewLoginSucceeded(ConnectWebviewEvent):
    """Somebody connected an account by the link."""

    kind = "connect_webview.login_succeeded"
    connected_account_id: str


class ConnectWebviewLoginFailed(ConnectWebviewEvent):
    """Somebody tried to, and the vendor refused what was entered, or could not be asked."""

    kind = "connect_webview.login_failed"


@dataclass(frozen=True, kw_only=True)
class CustomerPortalCreated(Event):
    """A link was made that shows a customer's places, devices and codes."""

    kind = "customer_portal.created"
    customer_portal_id: str
