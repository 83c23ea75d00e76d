"""Nuki's own OpenAPI document, which judges the emulator and what the driver sends; README.md tells whose it is."""

from pathlib import Path

OFFICIAL = Path(__file__).with_name("nuki-web-api-3.9.0.openapi.json")
