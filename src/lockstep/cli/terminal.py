"""What words print: sentences for people on stderr, what was asked for on stdout, as text or as JSON."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text for people.")]
"""The option of every word that prints what it found."""


def say(text: str) -> None:
    """A sentence for whoever sits there; not part of what was asked for."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """`value` (dataclasses, lists, instants, numbers, text) as JSON on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()


def print_text(text: str) -> None:
    """One line of what was asked for."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
