"""`lockstep serve` and `lockstep work`, as real processes."""

from __future__ import annotations

import os
import signal

import httpx
from tests.cli.conftest import Home, first_key, until


def test_an_empty_home_serves_with_one_command_and_shows_its_first_key_once(empty_home: Home) -> None:
    running = empty_home.start("serve", "--port", "0")
    address = running.address()
    assert address.startswith("http://127.0.0.1:")
    key = {"authorization": f"Bearer {first_key(running.said)}"}
    assert httpx.get(f"{address}/v1/workspace", headers=key).status_code == 200
    assert httpx.get(f"{address}/v1/workspace").status_code == 401
    assert httpx.get(f"{address}/v1/docs").status_code == 200
    until(
        lambda: httpx.get(f"{address}/health").status_code == 200, lambda: httpx.get(f"{address}/health").text
    )
    assert running.stop() == 0
    assert "Stopped." in running.said

    again = empty_home.start("serve", "--port", "0")
    assert httpx.get(f"{again.address()}/v1/workspace", headers=key).status_code == 200
    assert "lockstep_" not in again.said
    assert again.stop(signal.SIGINT) == 0


def test_two_that_start_at_once_on_one_new_database_make_one_workspace(home: Home) -> None:
    both = [home.start("serve", "--port", "0"), home.start("serve", "--port", "0")]
    addresses = [one.address() for one in both]
    keys = [first_key(one.said) for one in both if "lockstep_" in one.said]
    assert len(keys) == 1
    for address in addresses:
        answer = httpx.get(f"{address}/v1/workspace", headers={"authorization": f"Bearer {keys[0]}"})
        assert answer.status_code == 200


def test_workers_run_apart_from_what_serves_and_stop_with_grace(home: Home) -> None:
    home.settings["LOCKSTEP_METRICS_PORT"] = "0"
    serving = home.start("serve", "--workers", "none", "--port", "0")
    assert "No workers here" in serving.wait_for("End with Ctrl-C.")
    checks = httpx.get(f"{serving.address()}/health").json()["checks"]
    assert checks == {"database": True, "schema": True}
    working = [home.start("work"), home.start("work")]
    for one in working:
        one.wait_for("Working.")
    assert [one.stop() for one in working] == [0, 0]


def test_workers_come_back_after_the_database_was_away(empty_home: Home) -> None:
    running = empty_home.start("serve", "--port", "0")
    address = running.address()
    pid = int((empty_home.folder / "data/postgres/data/postmaster.pid").read_text().splitlines()[0])
    is_well = {"database": True, "schema": True, "workers": True}
    until(lambda: httpx.get(f"{address}/health").json()["checks"] == is_well, lambda: "not well at first")
    os.kill(pid, signal.SIGKILL)
    until(lambda: httpx.get(f"{address}/health").status_code == 503, lambda: "the loss was not noticed")
    # Another process starts the server again, as the next start of anything would.
    assert empty_home.run("migrate").returncode == 0
    until(lambda: httpx.get(f"{address}/health").json()["checks"] == is_well, lambda: running.said)
