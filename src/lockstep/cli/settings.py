"""Settings: read once from the environment, here and nowhere else, into grouped dataclasses.

A field's name in upper case with LOCKSTEP_ before it is its variable; a secret may lie in a file named by the same
variable with _FILE behind it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lockstep.http.api.settings import ApiSettings
from lockstep.storage.limits import LEAST_CONNECTIONS
from lockstep.storage.server import default_directory


class SettingInvalid(ValueError):
    """A setting cannot be read. Correct the variable that is named, or unset it."""

    code = "setting_invalid"


SECRET = {"is_secret": True}
LEAST = "least"
"""Of a number: below it nothing would work."""

# Of the script at the root and of the tests.
_NOT_SETTINGS = ("LOCKSTEP_SETTING_UP", "LOCKSTEP_TEST_DATABASE_URL")


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where Lockstep remembers."""

    database_url: str | None = field(default=None, repr=False, metadata=SECRET)
    """Your own PostgreSQL, 15 or newer; without it an embedded server is run in the data folder."""
    data: Path | None = None
    """Folder of the embedded database and the key file; else ~/.local/share/lockstep, or /var/lib/lockstep for root."""
    postgres_binaries: Path | None = None
    """Folder of initdb, pg_ctl and postgres for the embedded server; by default they are looked for."""
    database_connections: int = field(default=10, metadata={LEAST: LEAST_CONNECTIONS})
    """Most connections to the database, for each process, at least 2; up to three more listen for what is new."""


@dataclass(frozen=True, slots=True)
class SealingSettings:
    """Keys with which credentials and digits are sealed."""

    master_keys: str | None = field(default=None, repr=False, metadata=SECRET)
    """`2:BASE64,1:BASE64`, 32 bytes each: the first seals, all of them open. Without it a key file is made."""
    fingerprint_key: str | None = field(default=None, repr=False, metadata=SECRET)
    """32 bytes in BASE64, never changed: digits are compared by it. Needed where master_keys is given."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The port that pages and the API are served on."""

    host: str = "127.0.0.1"
    """Address to listen on. Loopback unless a proxy with TLS stands before it."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    public_url: str | None = None
    """How the world reaches Lockstep, such as https://locks.example.com: for links, and for vendors, which are told to
    call there where it begins with https. The same for every process."""
    metrics_port: int | None = None
    """A port of its own for /health and /metrics, such as for `lockstep work`, which has no other."""
    metrics_host: str = "127.0.0.1"
    """Address that metrics_port listens on."""
    metrics_token: str | None = field(default=None, repr=False, metadata=SECRET)
    """Lets Prometheus ask for /metrics from elsewhere, as a bearer token; without it only this machine may."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses of reverse proxies, parted by commas, that are believed when they say for whom they ask."""

    @property
    def callback_origin(self) -> str | None:
        """Where vendors are told to call: only an address with TLS."""
        origin = (self.public_url or "").rstrip("/")
        return origin if origin.startswith("https://") else None

    @property
    def proxies(self) -> tuple[str, ...]:
        return tuple(p.strip() for p in self.trusted_proxies.split(",") if p.strip())


@dataclass(frozen=True, slots=True)
class OutboundSettings:
    """Calls that leave: vendors, calendars, webhooks."""

    allow_private_addresses: bool = False
    """Loosens: calls may go to private and loopback addresses too, such as an emulator's."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's own."""


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """How the workers work."""

    at_once: int = field(default=24, metadata={LEAST: 1})
    """Rows of one queue that one process works on at a time, at least 1."""
    lease_seconds: float = 60.0
    """How long work is held without renewal; a killed worker's work is taken up after that."""
    call_seconds: float = 10.0
    """When a vendor's silence is taken for an unknown outcome."""
    reading_pause_seconds: float = 0.4
    """Between two readings of one account, so that its locks share them."""

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)

    @property
    def call_timeout(self) -> timedelta:
        return timedelta(seconds=self.call_seconds)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and how. Digits and credentials never are."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""
    log_format: Literal["console", "json"] = "console"
    """`console` for people, `json` for machines."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, in groups."""

    storage: StorageSettings = field(default_factory=StorageSettings)
    sealing: SealingSettings = field(default_factory=SealingSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    outbound: OutboundSettings = field(default_factory=OutboundSettings)
    work: WorkSettings = field(default_factory=WorkSettings)
    log: LogSettings = field(default_factory=LogSettings)


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises SettingInvalid, naming the variable."""
    environ = os.environ if environ is None else environ
    return Settings(
        StorageSettings(**_group(StorageSettings, environ)),
        SealingSettings(**_group(SealingSettings, environ)),
        HttpSettings(**_group(HttpSettings, environ)),
        ApiSettings(**_group(ApiSettings, environ)),
        OutboundSettings(**_group(OutboundSettings, environ)),
        WorkSettings(**_group(WorkSettings, environ)),
        LogSettings(**_group(LogSettings, environ)),
    )


def own_folder(settings: Settings) -> Path:
    """Folder of the embedded database and the key file."""
    return settings.storage.data or default_directory(os.environ).parent


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Variables that look like settings and are none: misspelt ones, mostly."""
    environ = os.environ if environ is None else environ
    known = set(_NOT_SETTINGS)
    for group in get_type_hints(Settings).values():
        for one in fields(group):
            known.add(variable(one.name))
            if one.metadata.get("is_secret"):
                known.add(f"{variable(one.name)}_FILE")
    return sorted(name for name in environ if name.startswith("LOCKSTEP_") and name not in known)


def variable(name: str) -> str:
    """The environment variable of a field."""
    return f"LOCKSTEP_{name.upper()}"


def _group(kind: Any, environ: Mapping[str, str]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    found: dict[str, Any] = {}
    for one in fields(kind):
        text = _text(one.name, bool(one.metadata.get("is_secret")), environ)
        if text is not None:
            found[one.name] = _converted(variable(one.name), text, hints[one.name])
            least = one.metadata.get(LEAST)
            if least is not None and found[one.name] < least:
                raise SettingInvalid(
                    f"{variable(one.name)}: it is at least {least}, and {text[:40]!r} is less."
                )
    return found


def _text(name: str, is_secret: bool, environ: Mapping[str, str]) -> str | None:
    text = environ.get(variable(name))
    path = environ.get(f"{variable(name)}_FILE") if is_secret else None
    if text is None and path is not None:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as fault:
            raise SettingInvalid(
                f"{variable(name)}_FILE: the file cannot be read ({fault.strerror})."
            ) from fault
    return text or None


def _converted(name: str, text: str, kind: Any) -> Any:
    if get_origin(kind) is Literal and text not in get_args(kind):
        raise SettingInvalid(f"{name}: {text[:40]!r} is none of {', '.join(get_args(kind))}.")
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                text.lower()
            ]
        for plain in (int, float, Path):
            if kind is plain or kind == plain | None:
                return plain(text)
    except (ValueError, KeyError) as fault:
        raise SettingInvalid(f"{name}: {text[:40]!r} is not a value for it.") from fault
    return text
