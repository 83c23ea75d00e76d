"""Secrets that callers show to say who they are: made by chance, remembered as hashes. Knows nobody who shows one."""

from __future__ import annotations

import hashlib
import secrets
import string

ANY = "seam_"
"""How each of them begins: the SDKs that may be used with Lockstep take no other."""
API_KEY = "seam_lockstep_"
PERSONAL_TOKEN = "seam_at1_"  # noqa: S105 - only how one begins
CLIENT_SESSION = "seam_cst1_"
PUBLISHABLE_KEY = "seam_pk1_"

LONGEST = 200
"""What is longer is none, and is not looked for."""
LONGEST_SIGNED = 4000
"""The same for tokens that say something themselves."""
_LENGTH = 40
"""Of 62 characters each: 238 bits."""
_SHOWN = 4


def new_secret(prefix: str) -> str:
    """`prefix` and 40 letters and digits."""
    return prefix + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_LENGTH))


def may_be_secret(text: str) -> bool:
    """Whether it is worth looking for; what is remembered decides."""
    return text.startswith(ANY) and len(text) <= LONGEST


def hash_of(secret: str) -> bytes:
    """What is remembered of a secret: it has 238 bits of chance, so that no slow hash is needed."""
    return hashlib.sha256(secret.encode()).digest()


def beginning(secret: str, prefix: str) -> str:
    """As much of it as may be shown, to recognise it by; never more than half."""
    return secret[: min(len(prefix) + _SHOWN, len(secret) // 2)]
