"""Logs: one line each, as JSON or for people, for our own and for libraries' alike. Knows nothing of locks.

The last net: digits and credentials that somebody bound to a line by mistake are taken out before it is written."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog

Format = Literal["console", "json"]

REMOVED = "[removed]"

_NAMES = frozenset(
    {
        "authorization", "cookie", "credential", "credentials", "digits", "dsn", "email", "key", "keys", "material",
        "passphrase", "password", "phone", "pin", "secret", "secrets", "seed", "signature", "token", "tokens",
    }
)  # fmt: skip
# A name such as `grant_key` is the caller's own id for a thing, and opens nothing.
_OWN_IDS = re.compile(r"^(space|guest|booking|grant|access_code)_key$")
_DEEPEST = 6

_OUR_KEYS = re.compile(r"\b(seam_(?:lockstep|at\d*|cst\d*|pk\d*)_|whsec_)[A-Za-z0-9+/=_-]{8,}")
_SCHEMES = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
# Of an address only scheme and host: feeds, callbacks and guests' links carry secrets in path and query.
_ADDRESSES = re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/@\"'<>]*@)?([^\s/?#\"'<>]*)[^\s\"'<>]*")
# Digits that stand alone, as on a keypad; not those of instants, versions, ids, ports and lines of source.
_DIGITS = re.compile(r"(?<![\w.:/+-])(?<!line )\d{4,10}(?![\w/:-])(?!\.\d)")
# These tell whole addresses at their usual level.
_QUIET = (
    "httpx2",
    "httpcore2",
    "uvicorn.access",
    "uvicorn.error",
    "asyncio",
    "multipart",
    "python_multipart",
)


def set_up_logging(level: str = "info", form: str = "console", stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (stderr); `level` as debug, info, warning, error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            remove_secrets,
            _renderer(form),
        ],
    )
    output = logging.StreamHandler(stream or sys.stderr)
    output.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(_number(level))
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(_number(level), logging.WARNING))


def remove_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: what is bound under a telling name is removed, other text is cleaned."""
    for name, value in event.items():
        event[name] = value if name in ("timestamp", "level") else _cleaned(name, value, 0)
    return event


def clean_text(text: str) -> str:
    """Without credentials, the secret parts of addresses, and digits that stand alone."""
    text = _ADDRESSES.sub(r"\1\2", text)
    text = _OUR_KEYS.sub(rf"\1{REMOVED}", text)
    text = _SCHEMES.sub(rf"\1 {REMOVED}", text)
    return _DIGITS.sub(REMOVED, text)


def _cleaned(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _is_telling(name) or (name == "code" and any(c.isdigit() for c in str(value))):
        return REMOVED
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _cleaned_within(name, value, depth)
    return clean_text(str(value))


def _cleaned_within(name: str, value: Any, depth: int) -> Any:
    if depth >= _DEEPEST:
        return REMOVED
    if isinstance(value, Mapping):
        return {k: _cleaned(str(k), v, depth + 1) for k, v in value.items()}
    return [_cleaned(name, v, depth + 1) for v in value]


def _is_telling(name: str) -> bool:
    lowered = name.lower().replace("-", "_")
    return _OWN_IDS.match(lowered) is None and not _NAMES.isdisjoint(lowered.split("_"))


def _renderer(form: str) -> structlog.typing.Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _number(level: str) -> int:
    return {"debug": 10, "info": 20, "warning": 30, "error": 40}.get(level.lower(), 20)
