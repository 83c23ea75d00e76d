"""Signatures that others can check without our secrets (Ed25519). Knows nothing of what is signed."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def public_key(seed: bytes) -> bytes:
    """The 32 bytes by which signatures under `seed` (32 secret bytes) are checked."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    """64 bytes; the same message under the same seed has the same signature."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether whoever has the seed of this public key signed exactly `message`."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
