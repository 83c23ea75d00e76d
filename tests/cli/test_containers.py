"""Containerfile and compose.yaml against the program: every command, port, setting and file in them exists."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from typer.main import get_command

from lockstep.cli.settings import Settings, read_settings, unknown_variables
from lockstep.cli.words import app
from lockstep.http.running.app import RunningParts, running_routes
from lockstep.storage.inspection import OLDEST_VERSION

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """Instruction and what follows it, comments left out and lines joined."""
    lines = [line for line in (ROOT / "Containerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]  # type: ignore[misc]


FILE = instructions()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "lockstep"]


def given(name: str) -> list[str]:
    return [rest for instruction, rest in FILE if instruction == name]


def image_environment() -> dict[str, str]:
    pairs = [pair for rest in given("ENV") for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def environment_of(service: str) -> dict[str, str]:
    """As a process of it sees it, without the files of secrets, which are not here."""
    whole = image_environment() | SERVICES[service]["environment"]
    return {k: v for k, v in whole.items() if not k.endswith("_FILE")}


def command_of(service: str | None) -> list[str]:
    """The words after `lockstep`."""
    (entry,) = given("ENTRYPOINT")
    assert json.loads(entry) == ["lockstep"]
    (default,) = given("CMD")
    words: list[str] = json.loads(default) if service is None else SERVICES[service]["command"]
    return words


@pytest.mark.parametrize("service", [None, *OURS], ids=str)
def test_every_command_is_one_that_the_program_takes(service: str | None) -> None:
    word, *rest = command_of(service)
    group: Any = get_command(app)
    command = group.get_command(None, word)
    assert command is not None
    command.make_context(word, rest)


@pytest.mark.parametrize("service", OURS)
def test_every_setting_exists_and_has_a_value_that_it_takes(service: str) -> None:
    assert unknown_variables(image_environment() | SERVICES[service]["environment"]) == []
    read_settings(environment_of(service))


def test_the_image_alone_keeps_its_database_and_keys_in_the_volume() -> None:
    settings = read_settings(image_environment())
    assert [str(settings.storage.data)] == given("VOLUME")
    assert settings.storage.database_url is None


def test_the_image_listens_on_the_port_that_it_exposes() -> None:
    settings = read_settings(image_environment())
    assert given("EXPOSE") == [str(settings.http.port)]
    assert settings.http.port == Settings().http.port


@pytest.mark.parametrize("service", OURS)
def test_published_ports_are_ones_that_are_listened_on_and_only_this_machine_reaches_them(
    service: str,
) -> None:
    settings = read_settings(environment_of(service))
    for published in SERVICES[service].get("ports", []):
        address, _, inside = published.split(":")
        assert address == "127.0.0.1"
        assert int(inside) == settings.http.port
        assert command_of(service)[0] == "serve"


def test_health_is_asked_where_it_is_served() -> None:
    paths = {route.path for route in running_routes(RunningParts(None, None))}  # type: ignore[arg-type]
    asked: dict[str | None, str] = {None: given("HEALTHCHECK")[0]}
    asked |= {s: json.dumps(SERVICES[s]["healthcheck"]) for s in OURS if "healthcheck" in SERVICES[s]}
    assert "work" in asked
    for service, text in asked.items():
        settings = read_settings(image_environment() if service is None else environment_of(service))
        (address,) = re.findall(r"http://[^']+", text)
        port = settings.http.metrics_port if service == "work" else settings.http.port
        assert urlsplit(address).port == port
        assert urlsplit(address).path in paths


def test_secrets_come_from_files_that_are_named_and_stand_in_no_variable() -> None:
    for name, service in SERVICES.items():
        for variable, value in service["environment"].items():
            if variable.endswith("_FILE"):
                secret = value.removeprefix("/run/secrets/")
                assert secret in service["secrets"], f"{name} is not given {secret}"
        assert set(service["secrets"]) <= set(COMPOSE["secrets"])
        telling = [v for v in service["environment"] if re.search("PASSWORD|KEY|URL|TOKEN", v)]
        # What the world is told is no secret.
        assert all(v.endswith("_FILE") for v in telling if v != "LOCKSTEP_PUBLIC_URL")
    assert all(source["file"].startswith("./secrets/") for source in COMPOSE["secrets"].values())
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_nobody_runs_as_root_and_nothing_can_be_gained() -> None:
    (account,) = given("USER")
    assert int(account) > 0
    for service in OURS:
        assert SERVICES[service]["cap_drop"] == ["ALL"]
        assert SERVICES[service]["read_only"] is True
        assert "user" not in SERVICES[service]


def test_one_serves_several_work_and_the_database_is_one_that_is_supported() -> None:
    assert command_of("serve") == ["serve", "--workers", "none"]
    assert SERVICES["work"]["deploy"]["replicas"] > 1
    version = int(SERVICES["database"]["image"].rsplit(":", 1)[1])
    assert version >= OLDEST_VERSION
    assert all(SERVICES[s]["depends_on"]["database"]["condition"] == "service_healthy" for s in OURS)
    grace = int(SERVICES["work"]["stop_grace_period"].removesuffix("s"))
    assert grace > Settings().work.call_seconds


def test_the_image_is_built_from_files_that_are_there_and_sent() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [word for rest in given("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists()
        assert name in sent
    for name in re.findall(r"-r (\S+)", " ".join(given("RUN"))):
        assert (ROOT / name).is_file()
    assert sorted(SERVICES[OURS[0]]["build"].values()) == [".", "Containerfile"]


def test_what_python_runs_in_the_image_is_new_enough_for_the_program() -> None:
    wanted = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert wanted
    for image in given("FROM"):
        found = re.match(r"docker\.io/library/python:3\.(\d+)-slim", image)
        assert found
        assert int(found[1]) >= int(wanted[1])
