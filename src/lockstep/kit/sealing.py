"""Sealing of secrets with AES-GCM, bound to the place where they are stored; fingerprints to compare them by."""

from __future__ import annotations

import functools
import hmac
import os
from collections.abc import Mapping
from dataclasses import field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lockstep.kit.frozen import dataclass

_NONCE = 12


class CannotUnseal(ValueError):
    """A sealed value cannot be opened: it belongs to another place or master key. Give the key that sealed it."""

    code = "cannot_unseal"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value is stored: it opens nowhere else."""

    workspace_id: UUID
    table: str
    column: str
    row_id: UUID


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals under the newest of `master_keys` (version -> 32 bytes) and opens under any of them.

    `fingerprint_key` is another secret and never rotates, since digits are compared by it.
    """

    master_keys: Mapping[int, bytes] = field(repr=False)
    fingerprint_key: bytes = field(repr=False)
    sealing_version: int | None = None
    """The version to seal under, where it is not the newest."""

    @property
    def version(self) -> int:
        return self.sealing_version or max(self.master_keys)

    def seal(self, text: str, place: Place) -> bytes:
        """Version (2 bytes), nonce (12), then ciphertext and tag."""
        # Asked for once: where the keys are in a file, each question looks whether it is another.
        keys, nonce = dict(self.master_keys.items()), os.urandom(_NONCE)
        version = self.sealing_version or max(keys)
        sealed = _cipher(keys[version]).encrypt(nonce, text.encode(), _bound_to(place, version))
        return version.to_bytes(2, "big") + nonce + sealed

    def open(self, sealed: bytes, place: Place) -> str:
        version = int.from_bytes(sealed[:2], "big")
        key = self.master_keys.get(version)
        if key is None:
            raise CannotUnseal(CannotUnseal.__doc__)
        try:
            text = _cipher(key).decrypt(
                sealed[2 : 2 + _NONCE], sealed[2 + _NONCE :], _bound_to(place, version)
            )
        except (InvalidTag, ValueError) as fault:
            # The latter where so much is cut off that no whole nonce is left.
            raise CannotUnseal(CannotUnseal.__doc__) from fault
        return text.decode()

    def fingerprint(self, text: str, salt: bytes) -> UUID:
        """Equal texts under one salt have equal fingerprints; nothing else can be learnt without the key."""
        return UUID(bytes=self.keyed_digest(text, salt)[:16])

    def keyed_digest(self, text: str, salt: bytes) -> bytes:
        return hmac.digest(self.fingerprint_key, salt + b"\x00" + text.encode(), "sha256")


def sealed_version(sealed: bytes) -> int:
    """The version of the master key that a sealed value needs."""
    return int.from_bytes(sealed[:2], "big")


def derive(secret: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


# Making one takes as long as sealing a code; there are as many as master keys.
@functools.lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def _bound_to(place: Place, version: int) -> bytes:
    return f"{place.workspace_id}|{place.table}|{place.column}|{place.row_id}|{version}".encode()
