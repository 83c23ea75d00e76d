"""`lockstep connect` and `lockstep emulate`: an account in, its secrets never on the command line."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from tests.cli.conftest import Home, Say, http, within

from lockstep.cli.wiring import Built
from lockstep.kit.clock import SystemClock
from lockstep.vendors.nuki.emulator.app import TOKEN
from lockstep.workers.accounts.describe import Describer
from lockstep.workers.loop import drain
from lockstep.workers.reconciler.drivers import Drivers

SETTING = "LOCKSTEP_ALLOW_PRIVATE_ADDRESSES"


def test_an_account_is_connected_with_its_token_from_a_file(ready: Home, say: Say, nuki: str) -> None:
    file = ready.folder / "token"
    file.write_text(f"{TOKEN}\n")
    connected = say(
        "connect", "nuki", "--label", "Canal House", "--field", f"endpoint={nuki}", "--field-file", f"token={file}",
        "--json",
    )  # fmt: skip
    assert connected.exit_code == 0, connected.output
    told = json.loads(connected.stdout)
    assert told["label"] == "Canal House"
    assert sorted(told["locks"]) == ["Flat 1", "Flat 2", "Front door"]
    assert told["callback_path"].startswith("/callbacks/")
    again = say("connect", "nuki", "--field", f"endpoint={nuki}", "--field-file", f"token={file}")
    assert again.exit_code == 1
    assert "connected already" in again.stderr


def test_a_refused_token_is_told_with_the_next_step_and_nothing_is_stored(
    ready: Home, say: Say, nuki: str
) -> None:
    refused = say(
        "connect", "nuki", "--field", f"endpoint={nuki}", "--field-file", "token=-", said_to_it="wrong-token"
    )
    assert refused.exit_code == 1
    assert (
        refused.stderr
        == "The vendor refuses these credentials. Make new ones at the vendor and give these.\n"
    )
    assert json.loads(say("status", "--json").stdout)[0]["accounts"] == []


def test_a_private_address_is_refused_with_the_setting_that_allows_it(
    ready: Home, say: Say, nuki: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("connect", "nuki", "--field", f"endpoint={nuki}", "--field-file", "token=-")
    ready.settings[SETTING] = "0"
    monkeypatch.setenv(SETTING, "0")
    refused = say(*words, said_to_it=TOKEN)
    assert refused.exit_code == 1
    assert f"Set {SETTING}=1 where it is meant" in refused.stderr
    assert "try again in some minutes" not in refused.stderr
    # Connected while it was allowed, and then no more: the doctor tells the same.
    ready.settings[SETTING] = "1"
    assert say(*words, said_to_it=TOKEN).exit_code == 0
    ready.settings[SETTING] = "0"
    monkeypatch.setenv(SETTING, "0")

    async def describe(lockstep: Built) -> None:
        await drain(lockstep.gate, {"accounts": Describer(lockstep.gate, Drivers(lockstep.gate)).process}, 5)

    within(describe)
    (found,) = [f for f in json.loads(say("doctor", "--json").stdout)["findings"] if f["check"] == "accounts"]
    assert "is private or local" in found["cause"]
    assert SETTING in found["next_step"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ring"], "There is no vendor 'ring'. There are: nuki, virtual."),
        (["nuki"], "token is missing (API token). Give --field-file token=PATH"),
        (
            ["nuki", "--field", "token=verysecret"],
            "token is a secret, and everybody on this machine can read arguments.",
        ),
        (["nuki", "--field", "verysecret"], "Give NAME=..., where NAME is one of: token, endpoint"),
        (["nuki", "--field-file", "token=/nowhere"], "The file of token cannot be read"),
    ],
    ids=["unknown vendor", "missing", "secret as argument", "not a pair", "no such file"],
)
def test_what_cannot_be_taken_is_told_before_anything_is_asked(say: Say, words: list[str], told: str) -> None:
    failed = say("connect", *words)
    assert failed.exit_code == 2
    assert told in failed.stderr
    assert "verysecret" not in failed.output


def test_the_prompt_for_a_secret_shows_nothing_of_it(ready: Home, nuki: str) -> None:
    answers = [(b"API token: ", TOKEN.encode()), (b"decentral webhook: ", b"")]
    status, shown = ready.on_a_terminal("connect", "nuki", "--field", f"endpoint={nuki}", answers=answers)
    assert status == 0, shown.decode()
    assert b"Connected as account_" in shown
    assert TOKEN.encode() not in shown


def test_an_emulator_listens_on_loopback_and_says_where_and_with_which_token(empty_home: Home) -> None:
    running = empty_home.start(
        "emulate", "virtual", "--port", "0", "--locks", "2", "--model", "slots", "--json", anew=True
    )
    told = json.loads(running.wait_for("}"))
    assert told["address"].startswith("http://127.0.0.1:")
    answer = http().get(f"{told['address']}/v1/account", headers={"authorization": f"Bearer {told['token']}"})
    assert answer.status_code == 200
    assert len(http().get(f"{told['address']}/_emulator/locks").json()["locks"]) == 2
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("vendor", "locks"), [("nuki", "/smartlock"), ("virtual", "/v1/account")], ids=["nuki", "virtual"]
)
def test_an_emulator_on_a_virtual_clock_moves_it_when_told_and_not_by_itself(
    empty_home: Home, vendor: str, locks: str
) -> None:
    before = SystemClock().now()
    running = empty_home.start("emulate", vendor, "--port", "0", "--virtual-clock", "--json")
    told = json.loads(running.wait_for("}"))
    clock = f"{told['address']}/_emulator/clock"
    first = http().get(clock).json()
    begun = datetime.fromisoformat(first["now"])
    assert first["virtual"] is True
    assert before <= begun <= SystemClock().now(), "it begins at the present instant"
    moved = http().post(clock, json={"advance_seconds": 7200})
    assert moved.status_code == 200, moved.text
    later = begun + timedelta(hours=2)
    assert datetime.fromisoformat(moved.json()["now"]) == later
    listed = http().get(f"{told['address']}{locks}", headers={"authorization": f"Bearer {told['token']}"})
    assert listed.status_code == 200
    assert datetime.fromisoformat(http().get(clock).json()["now"]) == later
    assert running.stop() == 0


def test_an_emulator_on_the_system_s_clock_refuses_to_move_it_and_says_how_it_could(
    empty_home: Home,
) -> None:
    running = empty_home.start("emulate", "nuki", "--port", "0", "--json")
    told = json.loads(running.wait_for("}"))
    refused = http().post(f"{told['address']}/_emulator/clock", json={"advance_seconds": 1})
    assert refused.status_code == 400
    assert "--virtual-clock" in refused.text
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ring"], "There is no emulator of 'ring'. There are: nuki, virtual."),
        (["nuki", "--model", "slots"], "Only the virtual vendor has models"),
        (["virtual", "--model", "nothing"], "nothing"),
    ],
    ids=["unknown vendor", "model of nuki", "unknown model"],
)
def test_an_emulator_that_there_is_not_is_told_in_one_sentence(say: Say, words: list[str], told: str) -> None:
    failed = say("emulate", *words)
    assert failed.exit_code == 2
    assert told in failed.stderr
