"""`lockstep serve` and `lockstep work`, as real processes."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from tests.cli.conftest import Home, Say, first_key, http, tell_at_once, until

from lockstep.kit.clock import SystemClock
from lockstep.model.permissions import ALL_SCOPES, Scope
from lockstep.storage.limits import LEAST_CONNECTIONS
from lockstep.vendors.virtual.emulator.app import TOKEN


def test_an_empty_home_serves_with_one_command_and_shows_its_first_key_once(empty_home: Home) -> None:
    running = empty_home.start("serve", "--port", "0", anew=True)
    address = running.address()
    assert address.startswith("http://127.0.0.1:")
    key = {"authorization": f"Bearer {first_key(running.said)}"}
    assert http().get(f"{address}/v1/workspace", headers=key).status_code == 200
    assert http().get(f"{address}/v1/workspace").status_code == 401
    assert http().get(f"{address}/v1/docs").status_code == 200
    until(
        lambda: http().get(f"{address}/health").status_code == 200,
        lambda: http().get(f"{address}/health").text,
    )
    assert running.stop() == 0
    assert "Stopped." in running.said

    again = empty_home.start("serve", "--port", "0")
    assert http().get(f"{again.address()}/v1/workspace", headers=key).status_code == 200
    assert "seam_lockstep_" not in again.said
    assert again.stop(signal.SIGINT) == 0


def test_the_first_key_opens_no_door_and_tells_how_to_make_one_that_does(home: Home, say: Say) -> None:
    running = home.start("serve", "--port", "0")
    address = running.address()
    key = {"authorization": f"Bearer {first_key(running.said)}"}
    (first,) = http().get(f"{address}/v1/api_keys", headers=key).json()["items"]
    assert set(first["scopes"]) == ALL_SCOPES - {Scope.DEVICES_UNLOCK}
    how = "lockstep keys create NAME --scope devices:unlock"
    assert how in running.said
    wanted = {"name": "Reception", "scopes": ["devices:unlock"]}
    refused = http().post(f"{address}/v1/api_keys", headers=key, json=wanted)
    assert refused.status_code == 403
    assert how in refused.json()["next_step"]
    made = say("keys", "create", "Reception", "--scope", "devices:unlock", "--json")
    assert json.loads(made.stdout)["api_key"]["scopes"] == ["devices:unlock"]
    assert running.stop() == 0


def test_several_processes_share_one_database_and_its_first_key(home: Home) -> None:
    home.settings["LOCKSTEP_METRICS_PORT"] = "0"
    both = [home.start("serve", "--port", "0"), home.start("serve", "--workers", "none", "--port", "0")]
    working = home.start("work", anew=True)
    addresses = [one.address() for one in both]
    keys = [first_key(one.said) for one in both if "seam_lockstep_" in one.said]
    assert len(keys) == 1
    for address in addresses:
        answer = http().get(f"{address}/v1/workspace", headers={"authorization": f"Bearer {keys[0]}"})
        assert answer.status_code == 200
    assert "No workers here" in both[1].wait_for("End with Ctrl-C.")
    assert http().get(f"{addresses[1]}/health").json()["checks"] == {"database": True, "schema": True}
    metrics = working.wait_for("Working.").split("metrics are on ")[1].split()[0].rstrip(".")
    until(
        lambda: http().get(f"{metrics}/health").json()["checks"].get("workers") is True, lambda: working.said
    )
    assert "lockstep_queue_due" in http().get(f"{metrics}/metrics").text
    assert working.stop() == 0
    assert "Stopped." in working.said


def test_workers_come_back_after_the_database_was_away(empty_home: Home) -> None:
    running = empty_home.start("serve", "--port", "0")
    address = running.address()
    pid = int((empty_home.folder / "data/postgres/data/postmaster.pid").read_text().splitlines()[0])
    is_well = {"database": True, "schema": True, "workers": True}
    until(lambda: http().get(f"{address}/health").json()["checks"] == is_well, lambda: "not well at first")
    os.kill(pid, signal.SIGKILL)
    until(lambda: http().get(f"{address}/health").status_code == 503, lambda: "the loss was not noticed")
    # Another process starts the server again, as the next start of anything would.
    assert empty_home.run("migrate").returncode == 0
    until(lambda: http().get(f"{address}/health").json()["checks"] == is_well, lambda: running.said)


def test_the_least_connections_to_the_database_suffice_from_the_first_start_to_a_proven_code(
    home: Home, plain_locks: str
) -> None:
    tell_at_once(plain_locks)
    home.settings["LOCKSTEP_ALLOW_PRIVATE_ADDRESSES"] = "1"
    home.settings["LOCKSTEP_DATABASE_CONNECTIONS"] = str(LEAST_CONNECTIONS)
    running = home.start("serve", "--port", "0")
    address = running.address()
    key = {"authorization": f"Bearer {first_key(running.said)}"}
    with httpx2.Client(base_url=f"{address}/v1", headers=key, timeout=30) as http:
        account = {"vendor": "virtual", "credentials": {"token": TOKEN, "endpoint": plain_locks}}
        http.post("/connected_accounts", json=account).raise_for_status()
        locks = [device["device_id"] for device in http.get("/devices").json()["items"]]
        starts_at = SystemClock().now()
        grant = {
            "name": "Ada",
            "device_ids": locks,
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(days=1)).isoformat(),
        }
        http.post("/access_grants", json=grant).raise_for_status()

        def standings() -> list[str]:
            return [code["standing"] for code in http.get("/access_codes").json()["items"]]

        until(lambda: standings() == ["proven"] * len(locks), lambda: f"{standings()} {running.said}")
        metrics = http.get(f"{address}/metrics").text
    calls = [
        sample
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "lockstep_vendor_calls_total" and sample.labels["vendor"] == "virtual"
    ]
    assert {"describe", "observe", "set"} <= {call.labels["kind"] for call in calls if call.value > 0}
    assert running.stop() == 0


def test_fewer_connections_than_work_are_refused_with_the_least_that_do(home: Home, say: Say) -> None:
    home.settings["LOCKSTEP_DATABASE_CONNECTIONS"] = str(LEAST_CONNECTIONS - 1)
    refused = say("serve", "--port", "0")
    assert refused.exit_code != 0
    assert f"LOCKSTEP_DATABASE_CONNECTIONS: it is at least {LEAST_CONNECTIONS}" in refused.stderr
