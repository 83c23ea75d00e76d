"""The capability table of the docs says what the drivers say."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from lockstep.model.capabilities import Capabilities
from lockstep.vendors import VENDORS

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "capability_table.py"


def test_the_capability_table_is_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_vendor_of_the_roster_stands_in_the_table() -> None:
    page = (ROOT / "docs" / "capabilities.md").read_text("utf-8")
    for vendor in VENDORS.values():
        assert f"## {vendor.label}\n" in page
        for line in vendor.fleet:
            assert f"| {line.name} |" in page


def test_every_capability_is_told_or_left_out_on_purpose() -> None:
    # Codes are all that there is so far, and no upstream converges by itself.
    left_out = {"credential_kinds", "upstream_converges"}
    told = TOOL.read_text("utf-8")
    untold = {field.name for field in fields(Capabilities) if f"lock.{field.name}" not in told}
    assert untold == left_out
