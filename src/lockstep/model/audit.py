"""The hash chain over a workspace's events, and the check of an exported one, which needs only the file.

Each hash covers the one before it and everything the event says, its position included: an event that is
edited, removed, added or moved breaks the chain there. A chain made anew is found by a head signed earlier.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from lockstep.kit import signing

NOTHING = b""
"""The hash before the first position."""
FORMAT = "lockstep-audit-1"
# JSON in UTF-8 without spaces, names in order: a tenth of what the standard library takes, for every event there is.
_written = msgspec.json.Encoder(order="sorted").encode


class ChainBroken(ValueError):
    """The audit log was changed after it was written. Compare it with a backup or an earlier export."""

    code = "audit_chain_broken"

    def __init__(self, position: int, what: str) -> None:
        super().__init__(f"At position {position}: {what}. {self.__doc__}")
        self.position = position
        self.what = what


class NoAuditFile(ValueError):
    """This is not an exported audit log: it has to end with a signed head."""

    code = "no_audit_file"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One event at its place. `subjects` holds public ids, `payload` JSON values, neither personal data."""

    position: int
    event_id: str
    kind: str
    actor: str
    occurred_at: datetime
    subjects: Mapping[str, str]
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SignedHead:
    """Where a chain ended at `signed_at`, vouched for by the installation whose public key it names."""

    workspace_id: str
    position: int
    hash: bytes
    signed_at: datetime
    public_key: bytes
    signature: bytes


def link(previous: bytes, entry: AuditEntry) -> bytes:
    """The hash of an entry that follows on `previous`: SHA-256, 32 bytes."""
    return hashlib.sha256(previous + _canonical(_fields(entry))).digest()


def check(entries: Iterable[tuple[AuditEntry, bytes]], previous: bytes = NOTHING, position: int = 0) -> bytes:
    """Follow the chain from `position`, whose hash is `previous`; the last hash. Raises ChainBroken."""
    for entry, hash_ in entries:
        position += 1
        if entry.position != position:
            raise ChainBroken(position, f"position {entry.position} stands here")
        if link(previous, entry) != hash_:
            raise ChainBroken(position, "the hash does not fit what the entry and the one before it say")
        previous = hash_
    return previous


def sign_head(seed: bytes, workspace_id: str, position: int, hash_: bytes, at: datetime) -> SignedHead:
    """`seed`: 32 secret bytes of this installation."""
    key = signing.public_key(seed)
    unsigned = SignedHead(workspace_id, position, hash_, at, key, b"")
    return SignedHead(
        workspace_id, position, hash_, at, key, signing.sign(seed, _canonical(_head_fields(unsigned)))
    )


def entry_line(entry: AuditEntry, hash_: bytes) -> str:
    """One line of an export, without its end."""
    return _canonical({**_fields(entry), "hash": hash_.hex()}).decode()


def head_line(head: SignedHead) -> str:
    """The last line of an export."""
    signature = b64encode(head.signature).decode()
    return _canonical({"head": {**_head_fields(head), "signature": signature}}).decode()


def verify_export(lines: Iterable[str], public_key: bytes | None = None) -> SignedHead:
    """Check an exported log offline: every link, the head, and its signature.

    `public_key`: the installation's, from elsewhere; without it, whoever could change the file could also
    have signed it anew. Raises ChainBroken or NoAuditFile.
    """
    head: list[SignedHead] = []
    position = 0

    def entries() -> Iterator[tuple[AuditEntry, bytes]]:
        nonlocal position
        for line in lines:
            if not line.strip():
                continue
            if head:
                raise ChainBroken(position, "something follows the signed head")
            fields = _parsed(line)
            if "head" in fields:
                head.append(_head(fields["head"]))
                continue
            position += 1
            yield _entry(fields)

    last = check(entries())
    if not head:
        raise NoAuditFile(NoAuditFile.__doc__)
    _check_head(head[0], position, last, public_key)
    return head[0]


def _check_head(head: SignedHead, position: int, last: bytes, public_key: bytes | None) -> None:
    if head.position != position:
        raise ChainBroken(position, f"the signed head stands at {head.position}, the entries end here")
    if head.hash != last:
        raise ChainBroken(position, "the signed head has another hash")
    if public_key is not None and head.public_key != public_key:
        raise ChainBroken(position, "the head was signed by another installation")
    if not signing.is_signed(head.public_key, _canonical(_head_fields(head)), head.signature):
        raise ChainBroken(position, "the signature of the head is wrong")


def _parsed(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        raise NoAuditFile("A line is not JSON. " + str(NoAuditFile.__doc__)) from None
    if not isinstance(fields, dict):
        raise NoAuditFile(NoAuditFile.__doc__)
    return fields


def _entry(fields: dict[str, Any]) -> tuple[AuditEntry, bytes]:
    try:
        entry = AuditEntry(
            int(fields["position"]),
            str(fields["event_id"]),
            str(fields["kind"]),
            str(fields["actor"]),
            datetime.fromisoformat(fields["occurred_at"]),
            fields["subjects"],
            fields["payload"],
        )
        return entry, bytes.fromhex(fields["hash"])
    except (KeyError, TypeError, ValueError):
        raise NoAuditFile("A line lacks a field. " + str(NoAuditFile.__doc__)) from None


def _head(fields: dict[str, Any]) -> SignedHead:
    try:
        return SignedHead(
            str(fields["workspace_id"]),
            int(fields["position"]),
            bytes.fromhex(fields["hash"]),
            datetime.fromisoformat(fields["signed_at"]),
            b64decode(fields["public_key"]),
            b64decode(fields["signature"]),
        )
    except (KeyError, TypeError, ValueError):
        raise NoAuditFile(NoAuditFile.__doc__) from None


def _fields(entry: AuditEntry) -> dict[str, Any]:
    return {
        "position": entry.position,
        "event_id": entry.event_id,
        "kind": entry.kind,
        "actor": entry.actor,
        "occurred_at": _instant(entry.occurred_at),
        "subjects": dict(entry.subjects),
        "payload": dict(entry.payload),
    }


def _head_fields(head: SignedHead) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "workspace_id": head.workspace_id,
        "position": head.position,
        "hash": head.hash.hex(),
        "signed_at": _instant(head.signed_at),
        "public_key": b64encode(head.public_key).decode(),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return _written(fields)
