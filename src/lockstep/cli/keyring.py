"""The master keys: from the settings, or from a file that is made on the first start (mode 0600)."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import ItemsView, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lockstep.cli.settings import SealingSettings, SettingInvalid
from lockstep.kit.sealing import Sealer

KEY_FILE = "master-keys.json"
_BYTES = 32


class KeyFileMissing(SettingInvalid):
    """The key file is missing, and this database holds what was sealed under its keys. Bring it back from a copy."""

    code = "key_file_missing"


def sealer_of(settings: SealingSettings, folder: Path, *, is_new: bool = True) -> Sealer:
    """The sealer of this installation. Keys from the settings win over the file in `folder`.

    The file is made where `is_new` says that nothing was sealed yet. Raises SettingInvalid.
    """
    if settings.master_keys is None:
        path = folder / KEY_FILE
        if not path.exists():
            if not is_new:
                raise KeyFileMissing(f"{KeyFileMissing.__doc__} ({path})")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make(path)
        return _from_file(path)
    if settings.fingerprint_key is None:
        raise SettingInvalid("LOCKSTEP_FINGERPRINT_KEY is needed beside LOCKSTEP_MASTER_KEYS.")
    keys: dict[int, bytes] = {}
    for part in settings.master_keys.split(","):
        version, _, text = part.strip().partition(":")
        keys[_version(version)] = _bytes("LOCKSTEP_MASTER_KEYS", text)
    # The first one seals: so a new version can be made known to all processes before any of them uses it.
    return Sealer(keys, _bytes("LOCKSTEP_FINGERPRINT_KEY", settings.fingerprint_key), next(iter(keys)))


def add_version(path: Path) -> int:
    """Put a fresh master key into the file; every process that uses it seals under it from now on."""
    with _alone(path):
        sealer = _from_file(path)
        version = max(sealer.master_keys) + 1
        keys = {**sealer.master_keys, version: secrets.token_bytes(_BYTES)}
        _write(path, Sealer(keys, sealer.fingerprint_key))
        return version


def drop_version(path: Path, version: int) -> None:
    """Take a master key out of the file. What is sealed under it never opens again."""
    with _alone(path):
        sealer = _from_file(path)
        keys = {v: k for v, k in sealer.master_keys.items() if v != version}
        _write(path, Sealer(keys, sealer.fingerprint_key))


class _FileKeys(Mapping[int, bytes]):
    """The keys of a file, read again whenever it was replaced: so a rotation needs no restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = str(path)
        self._seen: tuple[int, int] | None = None
        self._keys: dict[int, bytes] = {}

    def __getitem__(self, version: int) -> bytes:
        return self._current()[version]

    def __iter__(self) -> Iterator[int]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def items(self) -> ItemsView[int, bytes]:
        """As they are at one moment."""
        return self._current().items()

    def _current(self) -> dict[int, bytes]:
        try:
            # Asked for several times in a request; by the path it takes three times as long.
            stat = os.stat(self._name)  # noqa: PTH116
        except FileNotFoundError:
            # Whoever moved it away does not stop those who have read it.
            return self._keys
        seen = (stat.st_ino, stat.st_mtime_ns)
        if seen != self._seen:
            self._keys = _read(self._path)[0]
            self._seen = seen
        return self._keys


def _from_file(path: Path) -> Sealer:
    return Sealer(_FileKeys(path), _read(path)[1])


def _read(path: Path) -> tuple[dict[int, bytes], bytes]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        keys = {int(v): base64.b64decode(k) for v, k in document["master_keys"].items()}
        return keys, base64.b64decode(document["fingerprint_key"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise SettingInvalid(f"The key file {path} cannot be read; bring it back from a copy.") from fault


def _write(path: Path, sealer: Sealer) -> None:
    """Replace the file at once and whole, readable by its owner alone."""
    fresh = _fresh(path, sealer)
    if path.exists() and os.geteuid() == 0:
        os.chown(fresh, path.stat().st_uid, path.stat().st_gid)
    fresh.replace(path)


def _make(path: Path) -> None:
    """Two processes may start at once: the link fails for the second, which reads the first one's keys."""
    fresh = _fresh(path, Sealer({1: secrets.token_bytes(_BYTES)}, secrets.token_bytes(_BYTES)))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _fresh(path: Path, sealer: Sealer) -> Path:
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
    return fresh


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile; ends with the process, however it ends."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _version(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingInvalid("LOCKSTEP_MASTER_KEYS: give VERSION:BASE64, such as 1:....")
    return int(text)


def _bytes(name: str, text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError as fault:
        raise SettingInvalid(f"{name}: not BASE64.") from fault
    if len(found) != _BYTES:
        raise SettingInvalid(f"{name}: 32 bytes are needed, and {len(found)} were given.")
    return found
