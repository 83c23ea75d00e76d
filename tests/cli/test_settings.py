"""Settings: read from the environment and nowhere else, secrets from files too, and told in docs/settings.md."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from lockstep.cli.settings import SettingInvalid, Settings, read_settings, unknown_variables, variable

ROOT = Path(__file__).parents[2]
SECRET = "postgresql://lockstep:hunter2@db/lockstep"


def test_without_a_variable_every_setting_has_its_default() -> None:
    assert read_settings({}) == Settings()
    assert read_settings({"LOCKSTEP_PORT": ""}) == Settings()


def test_values_become_what_their_fields_are(tmp_path: Path) -> None:
    read = read_settings(
        {
            "LOCKSTEP_PORT": "9000",
            "LOCKSTEP_ALLOW_PRIVATE_ADDRESSES": "yes",
            "LOCKSTEP_LEASE_SECONDS": "2.5",
            "LOCKSTEP_DATA": str(tmp_path),
            "LOCKSTEP_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2",
        }
    )
    assert (read.http.port, read.outbound.allow_private_addresses, read.work.lease_seconds) == (
        9000,
        True,
        2.5,
    )
    assert read.storage.data == tmp_path
    assert read.http.proxies == ("10.0.0.1", "10.0.0.2")


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://locks.example.com/", "https://locks.example.com"),
        ("http://locks.example.com", None),
        ("", None),
    ],
)
def test_vendors_are_told_to_call_an_address_with_tls_alone(public_url: str, origin: str | None) -> None:
    assert read_settings({"LOCKSTEP_PUBLIC_URL": public_url}).http.callback_origin == origin


def test_a_secret_may_lie_in_a_file_and_is_shown_by_nothing(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text(f"{SECRET}\n")
    read = read_settings({"LOCKSTEP_DATABASE_URL_FILE": str(file)})
    assert read.storage.database_url == SECRET
    assert "hunter2" not in repr(read)


def test_only_secrets_have_a_twin_that_names_a_file(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("9000")
    assert read_settings({"LOCKSTEP_PORT_FILE": str(tmp_path / "port")}).http.port == 8000


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("LOCKSTEP_PORT", "eighty", "'eighty' is not a value for it"),
        ("LOCKSTEP_ALLOW_PRIVATE_ADDRESSES", "maybe", "'maybe' is not a value for it"),
        ("LOCKSTEP_LOG_FORMAT", "xml", "'xml' is none of console, json"),
        ("LOCKSTEP_LOG_LEVEL", "loud", "'loud' is none of debug, info, warning, error"),
        ("LOCKSTEP_DATABASE_CONNECTIONS", "1", "it is at least 2, and '1' is less"),
        ("LOCKSTEP_DATABASE_CONNECTIONS", "-3", "it is at least 2, and '-3' is less"),
        ("LOCKSTEP_AT_ONCE", "0", "it is at least 1, and '0' is less"),
        ("LOCKSTEP_MASTER_KEYS_FILE", "/nowhere", "the file cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_variable(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        read_settings({name: value})
    assert str(refused.value).startswith(name)
    assert told in str(refused.value)


def test_a_misspelt_variable_is_found() -> None:
    environ = {
        "LOCKSTEP_PROT": "1",
        "LOCKSTEP_PORT": "1",
        "LOCKSTEP_PORT_FILE": "x",
        "LOCKSTEP_DATABASE_URL_FILE": "x",
    }
    assert unknown_variables(environ | {"PATH": ""}) == ["LOCKSTEP_PORT_FILE", "LOCKSTEP_PROT"]


def test_no_two_settings_share_a_variable_and_secrets_are_kept_out_of_reprs() -> None:
    every = [one for group in get_type_hints(Settings).values() for one in fields(group)]
    names = [variable(one.name) for one in every]
    assert len(set(names)) == len(names)
    assert not [one.name for one in every if one.metadata.get("is_secret") and one.repr]


def test_the_table_of_the_docs_is_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "settings_table.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
