"""`lockstep sandbox --seed` as a process of its own, asked by Seam's own SDK and as its test programs ask a fake."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from seam import Seam, SeamHttpApiError
from seam.exceptions import SeamActionAttemptFailedError

from lockstep.cli.sandbox.passing import made_by
from lockstep.cli.sandbox.seed import NAMES
from lockstep.vendors.virtual.emulator import features, records, snapshot

_SECONDS = 20
DEVICES = ["august_device_1", "august_device_2", "ecobee_device_1", "minut_device_1", "schlage_device_id"]


@dataclass
class Sandbox:
    """`seam`: as whoever has the first workspace's key. `process` is the command that was given."""

    folder: Path
    process: subprocess.Popen[str]
    url: str
    seam: Seam

    def fake(self, path: str, body: Any = None) -> Any:
        """A call as test programs make it, with JSON both ways."""
        method = "GET" if body is None else "POST"
        return httpx2.request(method, f"{self.url}{path}", json=body, timeout=_SECONDS).json()

    def is_up(self) -> bool:
        port = urlsplit(self.url).port
        assert port
        with socket.socket() as asked:
            return asked.connect_ex(("127.0.0.1", port)) == 0


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "lockstep.cli", "sandbox", *words]


def settings(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LOCKSTEP_", "XDG_"))}
    return kept | {"LOCKSTEP_DATA": "."} | more


def begin(folder: Path) -> Sandbox:
    """Its folder is told relative to where it is begun: whoever is forked for it must stand there too."""
    process = subprocess.Popen(
        command("--seed", "--json"),
        cwd=folder,
        env=settings(PORT="0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = "".join(process.stdout.readline() for _ in range(3))
    url = json.loads(told)["address"]
    return Sandbox(folder, process, url, Seam(api_key=NAMES["seam_apikey1_token"], endpoint=url))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    folder = Path(tempfile.mkdtemp(prefix="lockstep-sandbox-"))
    folder.chmod(0o755)
    begun = begin(folder)
    yield begun
    begun.process.terminate()
    told = begun.process.communicate(timeout=_SECONDS)[1]
    assert (begun.process.returncode, told.splitlines()[-1]) == (0, "Stopped.")
    assert not begun.is_up()
    ended = subprocess.run(
        command("--stop"), cwd=folder, env=settings(), capture_output=True, text=True, check=True
    )
    assert ended.stdout == "Ended.\n"
    assert [path.name for path in (folder / "standby").iterdir()] == ["lock"]
    shutil.rmtree(folder)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what Lockstep is about to do."""
    give_up_at = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < give_up_at, "it did not come about"


def test_the_seed_is_there_by_its_names_and_nothing_else(sandbox: Sandbox) -> None:
    assert sandbox.fake("/health")["ok"]
    assert sandbox.fake("/_fake/default_seed") == {**NAMES, "ok": True}
    ids = [device["device_id"] for device in sandbox.fake("/_fake/database")["devices"]]
    assert ids == DEVICES
    devices = sandbox.seam.devices.list()
    assert [device.device_id for device in devices] == DEVICES
    assert [device.device_type for device in devices] == [
        "august_lock",
        "august_lock",
        "ecobee_thermostat",
        "minut_sensor",
        "schlage_lock",
    ]
    assert [device.device_id for device in sandbox.seam.locks.list()] == [*DEVICES[:2], DEVICES[-1]]
    assert all(device.properties and device.properties.online for device in devices)
    assert all(device.can_simulate_disconnection and device.can_simulate_removal for device in devices)
    with pytest.raises(SeamHttpApiError, match="ecobee_device_1"):
        sandbox.seam.locks.get(device_id="ecobee_device_1")
    accounts = sandbox.seam.connected_accounts.list()
    assert [(a.connected_account_id, a.account_type) for a in accounts] == [
        ("john_connected_account_id", "august"),
        ("jane_connected_account_id", "schlage"),
        ("john_assa_cs_connected_account_id", "assa_abloy_credential_service"),
    ]
    pages = sandbox.seam.create_paginator(sandbox.seam.connected_accounts.list, {"limit": 1})
    assert [a.connected_account_id for a in pages.flatten()] == [a.connected_account_id for a in accounts]
    assert accounts[0].account_type_display_name == "August"
    assert accounts[0].user_identifier
    assert accounts[0].user_identifier.email == accounts[0].display_name == "john@example.com"
    jane = sandbox.seam.connected_accounts.get(email="jane@example.com")
    assert jane.connected_account_id == "jane_connected_account_id"
    offered = {it.device_provider_name for it in sandbox.seam.devices.list_device_providers()}
    assert {"august", "schlage", "ecobee", "minut"} <= offered
    assert Seam(api_key=NAMES["seam_apikey2_token"], endpoint=sandbox.url).devices.list() == []


def test_a_code_is_set_and_a_door_unlocked_by_workers_within(sandbox: Sandbox) -> None:
    seam = sandbox.seam
    assert seam.locks.unlock_door(device_id="schlage_device_id").status == "success"
    code = seam.access_codes.create(device_id="august_device_1", name="Anna", code="4711")
    until(lambda: seam.access_codes.get(access_code_id=code.access_code_id).status == "set")


def test_a_forced_attempt_stays_as_forced(sandbox: Sandbox) -> None:
    seam = sandbox.seam
    attempt = seam.locks.unlock_door(device_id="august_device_2", wait_for_action_attempt=False)
    forced = {"action_attempt_id": attempt.action_attempt_id, "status": "error"}
    error = {"type": "door_jammed", "message": "It is stuck."}
    sandbox.fake("/_fake/update_action_attempt", {**forced, "error": error})
    found = seam.action_attempts.get(
        action_attempt_id=attempt.action_attempt_id, wait_for_action_attempt=False
    )
    assert found.error is not None
    assert (found.status, found.error.type, found.error.message) == ("error", "door_jammed", "It is stuck.")
    sandbox.fake("/_fake/update_action_attempt", {**forced, "status": "success", "result": {"a": 1}})
    assert seam.action_attempts.get(action_attempt_id=attempt.action_attempt_id).status == "success"


def test_an_outage_is_of_one_workspace_and_its_routes(sandbox: Sandbox) -> None:
    outage = {"workspace_id": "seed_workspace_2", "routes": ["/devices/list"]}
    sandbox.fake("/_fake/simulate_workspace_outage", outage)
    headers = {"authorization": f"Bearer {NAMES['seam_apikey2_token']}"}
    out = httpx2.post(f"{sandbox.url}/devices/list", headers=headers)
    assert (out.status_code, out.content) == (503, b"")
    assert httpx2.post(f"{sandbox.url}/workspaces/get", headers=headers).status_code == 200
    assert sandbox.seam.devices.list()


def test_pages_and_the_native_api_are_there_for_whoever_asks(sandbox: Sandbox) -> None:
    headers = {"authorization": f"Bearer {NAMES['seam_apikey1_token']}"}
    lost = httpx2.post(f"{sandbox.url}/no/such_path", headers=headers, timeout=_SECONDS)
    assert (lost.status_code, lost.json()["error"]["type"]) == (404, "not_found"), "a program is told in JSON"
    found = httpx2.get(f"{sandbox.url}/v1/devices", headers=headers, timeout=_SECONDS).json()
    assert [device["maker"] for device in found["items"]] == [
        "august",
        "august",
        "ecobee",
        "minut",
        "schlage",
    ]


def test_life_at_the_locks_is_simulated_and_the_sandbox_begins_anew(sandbox: Sandbox) -> None:
    seam, door = sandbox.seam, "august_device_1"

    def is_online() -> bool:
        properties = seam.devices.get(device_id=door).properties
        return bool(properties and properties.online)

    for goes, comes in (
        (seam.devices.simulate.disconnect, seam.devices.simulate.connect),
        (seam.devices.simulate.disconnect_from_hub, seam.devices.simulate.connect_to_hub),
    ):
        goes(device_id=door)
        until(lambda: not is_online())
        comes(device_id=door)
        until(is_online)
    code = seam.access_codes.create(device_id=door, name="Ben", code="2846")
    until(lambda: seam.access_codes.get(access_code_id=code.access_code_id).status == "set")
    assert seam.locks.simulate.keypad_code_entry(device_id=door, code="2846").status == "success"
    with pytest.raises(SeamActionAttemptFailedError):
        seam.locks.simulate.keypad_code_entry(device_id=door, code="2847")
    assert seam.locks.simulate.manual_lock_via_keypad(device_id=door).status == "success"
    attempt = "action_attempt.simulate_"
    wanted = {f"{attempt}keypad_code_entry.{end}" for end in ("succeeded", "failed")}
    wanted.add(f"{attempt}manual_lock_via_keypad.succeeded")
    until(lambda: wanted <= {e.event_type for e in seam.events.list(device_id=door)})
    seam.devices.simulate.remove(device_id=door)
    until(lambda: door not in [device.device_id for device in seam.devices.list()])
    seam.connected_accounts.simulate.disconnect(connected_account_id="jane_connected_account_id")
    until(lambda: bool(seam.devices.get(device_id="schlage_device_id").errors))
    assert seam.workspaces.reset_sandbox().status == "success"
    assert [device.device_id for device in seam.devices.list()] == DEVICES
    assert seam.access_codes.list(device_id=door) == []
    assert not seam.devices.get(device_id="schlage_device_id").errors
    assert seam.locks.unlock_door(device_id="schlage_device_id").status == "success"


def test_everybody_sees_what_is_theirs(sandbox: Sandbox) -> None:
    workspace = NAMES["seed_workspace_1"]
    personal = Seam(
        personal_access_token=NAMES["seam_at1_token"], workspace_id=workspace, endpoint=sandbox.url
    )
    assert [device.device_id for device in personal.devices.list()] == DEVICES
    said = {"user_id": NAMES["john_user_id"], "key": NAMES["john_user_key"]}
    payload = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    console = {"authorization": f"Bearer ey0.{payload}.nothing", "seam-workspace": workspace}
    of_john = {"client-session-token": NAMES["seam_cst1_token"]}
    pages = {"seam-publishable-key": NAMES["seam_pk1_token"]}
    body = {"user_identifier_key": NAMES["john_user_identifier_key"]}
    made = httpx2.post(f"{sandbox.url}/client_sessions/get_or_create", headers=pages, json=body)
    of_page = {"client-session-token": made.json()["client_session"]["token"]}
    for headers, theirs in ((console, DEVICES), (of_john, DEVICES[:-1]), (of_page, DEVICES[:-1])):
        found = httpx2.post(f"{sandbox.url}/devices/list", headers=headers).json()
        assert [device["device_id"] for device in found["devices"]] == theirs


def test_a_template_is_made_anew_where_its_emulated_locks_are_kept_otherwise() -> None:
    assert {Path(str(module.__file__)) for module in (snapshot, features, records)} <= set(made_by())


def test_a_second_one_has_nothing_in_common_with_the_first(sandbox: Sandbox) -> None:
    second = begin(sandbox.folder)
    made = [
        each.seam.access_codes.create(device_id="august_device_1", name="Eve", code="8261")
        for each in (sandbox, second)
    ]
    assert made[0].access_code_id != made[1].access_code_id
    assert [code.access_code_id for code in second.seam.access_codes.list(device_id="august_device_1")] == [
        made[1].access_code_id
    ]
    second.process.terminate()
    second.process.communicate(timeout=_SECONDS)
    assert second.process.returncode == 0
    assert not second.is_up()
    assert sandbox.is_up()


def test_it_ends_with_whoever_asked_for_it_however_they_end(sandbox: Sandbox) -> None:
    killed = begin(sandbox.folder)
    killed.process.kill()
    # It has the streams of the one that was killed, and tells on them that it ends.
    assert killed.process.communicate(timeout=_SECONDS)[1].splitlines()[-1] == "Stopped."
    until(lambda: not killed.is_up())


def test_what_keeps_it_from_beginning_is_told_with_the_status(sandbox: Sandbox) -> None:
    taken = str(urlsplit(sandbox.url).port)
    for words, port, told in (
        (["--seed"], taken, "The port is taken by another program."),
        (["--seed"], "none", "PORT is a number"),
    ):
        ended = subprocess.run(
            command(*words),
            cwd=sandbox.folder,
            env=settings(PORT=port),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode != 0
        assert ended.stderr.startswith(told)
