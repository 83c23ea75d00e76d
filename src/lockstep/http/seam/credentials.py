"""Who asks at Seam's door: headers become an actor, by the five kinds of credentials that Seam has.

Nothing is remembered between requests: what was revoked, by whichever process, is refused on the next one. That costs
one statement more, by an index; for people two."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.types import Scope

from lockstep.http.seam.asked import Path
from lockstep.http.seam.faults import SeamFault
from lockstep.http.seam.present.ids import asked
from lockstep.kit import bearer
from lockstep.kit.frozen import dataclass
from lockstep.kit.loopback import is_loopback
from lockstep.model import permissions
from lockstep.model.permissions import Actor, ActorKind
from lockstep.operations import api_keys, client_sessions, operators
from lockstep.operations.errors import NotSignedIn
from lockstep.operations.gate import Gate
from lockstep.operations.operators import SignedInOperator

_TOKEN_OF_SESSION = (b"client-session-token", b"seam-client-session-token")
_OF_SEAM_ALONE = frozenset({*_TOKEN_OF_SESSION, b"seam-publishable-key", b"seam-workspace", b"seam-sdk-name"})
_SEAMS = b"seam_"
_OF_SESSION = "seam_cst"
_OF_OPERATOR = "seam_at"
_OF_CONSOLE = "ey"
_OF_PAGES = "seam_pk"
_NOTHING = "The request has no credentials: send `authorization: Bearer seam_...`."


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever asks. `operator`: the person, where a person does."""

    actor: Actor
    operator: SignedInOperator | None = None
    is_within_workspace: bool = True
    """False: a person who did not say which workspace; the actor may do nothing."""
    is_paced: bool | None = None
    """Whether callers' paces are kept in the workspace; None: that was not looked up."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Finds whoever asks. `trusts_console`: the tokens of console sessions are believed without a signature, as the
    seeded sandbox does, and only for callers on this machine."""

    gate: Gate
    trusts_console: bool = False

    async def asker_of(self, received: Mapping[bytes, bytes], address: str) -> Asker:
        """Raises NotSignedIn; SeamFault where headers do not go together."""
        secret = _bearer(received)
        publishable = _text(received, b"seam-publishable-key")
        token = next((_text(received, name) for name in _TOKEN_OF_SESSION if name in received), None)
        if publishable is not None:
            if secret is not None:
                raise _bad("token_auth_not_accepted", "Send either a publishable key or a token, not both.")
            return Asker(await self._publisher(publishable))
        if token is not None or (secret or "").startswith(_OF_SESSION):
            return Asker(await self._session(token, secret))
        if secret is None:
            raise NotSignedIn(_NOTHING)
        if secret.startswith(_OF_PAGES):
            raise NotSignedIn("A publishable key is sent in the header `seam-publishable-key`.")
        if secret.startswith(_OF_OPERATOR):
            return await self._person(received, await operators.authenticate(self.gate, secret))
        if secret.startswith(_OF_CONSOLE):
            return await self._person(received, await self._console(secret, address))
        signed_in = await api_keys.authenticate(self.gate, secret)
        if signed_in is None:
            raise NotSignedIn("The API key is not known, was revoked, or has expired.")
        return Asker(signed_in.actor, is_paced=signed_in.is_paced)

    async def _publisher(self, publishable: str) -> Actor:
        actor = await client_sessions.publisher(self.gate, publishable)
        if actor is None:
            raise NotSignedIn("No workspace takes this publishable key.")
        return actor

    async def _session(self, token: str | None, secret: str | None) -> Actor:
        if token is not None and not token.startswith(_OF_SESSION):
            raise _bad("invalid_client_session_token", "This is not the token of a client session.")
        if token is not None and secret is not None and secret != token:
            raise NotSignedIn("The request has two different credentials.")
        actor = await client_sessions.authenticate(self.gate, token or secret or "")
        if actor is None:
            raise NotSignedIn("The client session is not known, was revoked, or is over.")
        return actor

    async def _console(self, token: str, address: str) -> SignedInOperator | None:
        if not self.trusts_console or not is_loopback(address):
            raise NotSignedIn("Tokens of a console session are not taken here. Use a personal token.")
        said = _said_by(token)
        return None if said is None else await operators.of_console(self.gate, said.user_id, said.key)

    async def _person(self, received: Mapping[bytes, bytes], person: SignedInOperator | None) -> Asker:
        if person is None:
            raise NotSignedIn("The token is not known, was revoked, or has expired.")
        workspace = _text(received, b"seam-workspace")
        if not workspace:
            return Asker(permissions.operator_without_workspace(person.operator_id), person, False)
        actor = await operators.actor_in(self.gate, person, asked("ws", workspace))
        if actor is None:
            raise NotSignedIn("The token's operator does not belong to this workspace.")
        return Asker(actor, person)


def shows_credentials(scope: Scope) -> bool:
    """Whether a request is of a program that speaks to Seam, whatever it asks for."""
    received = dict(scope.get("headers", ()))
    secret = received.get(b"authorization", b"").partition(b" ")[2].strip()
    return secret.startswith(_SEAMS) or not _OF_SEAM_ALONE.isdisjoint(received)


def require_kind(path: Path, asker: Asker) -> None:
    """Raises NotSignedIn for a publishable key where it opens nothing, SeamFault where a person did not say which
    workspace."""
    if asker.actor.kind is ActorKind.PUBLISHABLE_KEY and not path.is_public:
        raise NotSignedIn("A publishable key gets client sessions, and nothing else.")
    if not asker.is_within_workspace and not path.is_without_workspace:
        raise _bad(
            "missing_workspace_id",
            "With this kind of token, the header `seam-workspace` says in which workspace.",
        )


class _Said(msgspec.Struct):
    """What a console session's token says."""

    user_id: str
    key: str


def _said_by(token: str) -> _Said | None:
    """The payload of a JWT; None where it is none. Its signature is not looked at."""
    parts = token.split(".")
    if len(token) > bearer.LONGEST_SIGNED or len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded.encode("ascii")), type=_Said)
    except (ValueError, msgspec.MsgspecError):
        return None


def _bearer(received: Mapping[bytes, bytes]) -> str | None:
    value = _text(received, b"authorization")
    if value is None:
        return None
    scheme, _, secret = value.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise NotSignedIn(_NOTHING)
    return secret.strip()


def _bad(type: str, message: str) -> SeamFault:
    return SeamFault(HTTPStatus.BAD_REQUEST, type, message)


def _text(received: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = received.get(name)
    return None if value is None else value.decode("latin-1")
