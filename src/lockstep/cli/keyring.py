"""The master keys: from the settings, or from a file that is made on the first start (mode 0600)."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from lockstep.cli.settings import SealingSettings, SettingInvalid
from lockstep.kit.sealing import Sealer

KEY_FILE = "master-keys.json"


def sealer_of(settings: SealingSettings, folder: Path) -> Sealer:
    """The sealer of this installation. Keys from the settings win over the file in `folder`."""
    if settings.master_keys is None:
        return _from_file(folder / KEY_FILE)
    if settings.fingerprint_key is None:
        raise SettingInvalid("LOCKSTEP_FINGERPRINT_KEY is needed beside LOCKSTEP_MASTER_KEYS.")
    keys: dict[int, bytes] = {}
    for part in settings.master_keys.split(","):
        version, _, text = part.strip().partition(":")
        keys[_version(version)] = _bytes("LOCKSTEP_MASTER_KEYS", text)
    return Sealer(keys, _bytes("LOCKSTEP_FINGERPRINT_KEY", settings.fingerprint_key))


def write_key_file(path: Path, sealer: Sealer) -> None:
    """Replace the file at once and whole, readable by its owner alone."""
    document = {
        "fingerprint_key": base64.b64encode(sealer.fingerprint_key).decode(),
        "master_keys": {str(v): base64.b64encode(k).decode() for v, k in sealer.master_keys.items()},
    }
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(document, out)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


def _from_file(path: Path) -> Sealer:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(path)
    document = json.loads(path.read_text(encoding="utf-8"))
    keys = {int(v): base64.b64decode(k) for v, k in document["master_keys"].items()}
    return Sealer(keys, base64.b64decode(document["fingerprint_key"]))


def _make(path: Path) -> None:
    """Two processes may start at once: the link fails for the second, which reads the first one's keys."""
    fresh = path.with_name(f"{path.name}.new.{secrets.token_hex(4)}")
    write_key_file(fresh, Sealer({1: secrets.token_bytes(32)}, secrets.token_bytes(32)))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _version(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingInvalid("LOCKSTEP_MASTER_KEYS: give VERSION:BASE64, such as 1:....")
    return int(text)


def _bytes(name: str, text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError as fault:
        raise SettingInvalid(f"{name}: not BASE64.") from fault
    if len(found) != 32:
        raise SettingInvalid(f"{name}: 32 bytes are needed, and {len(found)} were given.")
    return found
