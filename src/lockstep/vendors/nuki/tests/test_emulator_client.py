"""A client that knows nothing of Lockstep (`nuki-web-api`, from PyPI) works against the emulator unmodified."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import pytest
from nukiwebapi.nuki_web_api import NukiWebAPI  # type: ignore[import-untyped]

from lockstep.emulation.faults import FaultKind
from lockstep.vendors.nuki.tests.emulated import DIGITS, TOKEN, Account
from lockstep.vendors.nuki.tests.served import served


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def client(account: Account) -> Iterator[Any]:
    with served(account.app) as address:
        yield NukiWebAPI(TOKEN, base_url=address)


def test_it_lists_and_moves_locks(account: Account, client: Any) -> None:
    (lock,) = client.lock_instances.values()
    assert (lock.name, lock.is_locked, lock.battery_charge) == ("Front door", True, 90)
    lock.unlock()
    account.wait()
    lock.refresh()
    assert not lock.is_locked
    client.smartlock.lock_smartlock(lock.id)
    account.wait()
    assert client.smartlock.get_smartlock(lock.id).is_locked
    client.smartlock.sync_smartlock(lock.id)
    client.smartlock.update_smartlock(lock.id, {"name": "Gate"})
    assert client.smartlock.list_smartlocks()[0]["name"] == "Gate"


def test_it_makes_changes_and_deletes_codes(account: Account, client: Any) -> None:
    lock, auths = int(account.lock), client.smartlock_auth
    auths.create_auth_for_smartlock(lock, "Guest", False, type=13, code=int(DIGITS))
    account.wait()
    (code,) = auths.list_auths_for_smartlock(lock, types="13")
    auths.update_auth(lock, code["id"], name="Changed", code=987654)
    account.wait()
    assert auths.get_auth(lock, code["id"]).json()["code"] == 987654
    auths.update_auths_bulk([{"id": code["id"], "name": "Again"}])
    account.wait()
    auths.delete_auths([code["id"]])
    account.wait()
    assert auths.list_auths(types="13") == []
    auths.create_auth_for_smartlocks("Many", [lock], False, type=13, code=int(DIGITS))
    account.wait()
    (code,) = auths.list_auths(types="13")
    auths.delete_auth(lock, code["id"])
    account.wait()
    assert account.on_lock() == []


def test_it_reads_the_vendor_s_own_words_from_a_refusal(account: Account, client: Any) -> None:
    with pytest.raises(OSError, match="supplied value '123456' for parameter 'code'"):
        client.smartlock_auth.create_auth_for_smartlock(
            int(account.lock), "Guest", False, type=13, code=123456
        )
    with pytest.raises(OSError, match="422"):
        client.smartlock_auth.create_auth_for_smartlock(
            int(account.lock), "x" * 21, False, type=13, code=987654
        )


def test_it_meets_a_lost_reply_as_a_broken_connection(account: Account, client: Any) -> None:
    account.strike(FaultKind.REPLY_LOST_AFTER, method="PUT")
    with pytest.raises(OSError, match="Connection"):
        client.smartlock_auth.create_auth_for_smartlock(
            int(account.lock), "Guest", False, type=13, code=int(DIGITS)
        )
    account.wait()
    assert account.on_lock() == [DIGITS]


def test_it_keeps_account_users_and_reads_the_log(account: Account, client: Any) -> None:
    user = client._request("PUT", "/account/user", json={"email": "a@example.org", "name": "A"}).json()
    assert client.account_user.list_account_users()[0]["accountUserId"] == user["accountUserId"]
    account.opens("999999")
    assert len(client._request("GET", "/smartlock/log").json()) == 1


def test_it_registers_web_hooks_which_a_served_emulator_delivers_by_itself(
    account: Account, client: Any
) -> None:
    received: Queue[bytes] = Queue()
    hook = client.advanced_api.create_decentral_webhook("https://example.org/hook", ["DEVICE_AUTHS"])
    assert hook["secret"]
    assert len(client.advanced_api.list_decentral_webhooks()) == 1
    with _receiver(received) as url:
        wanted = {"webhookUrl": url, "webhookFeatures": ["DEVICE_LOGS"]}
        client._request("PUT", "/api/decentralWebhook", json=wanted)
        account.opens("999999")
        assert b"DEVICE_LOGS" in received.get(timeout=20)
        client.smartlock.unlock_smartlock(int(account.lock))
        # Nobody calls any more: the emulator waits for the clock by itself.
        account.clock.advance(timedelta(seconds=5))
        assert b'"trigger":4' in received.get(timeout=20)


class _receiver:  # noqa: N801 - used as a function
    def __init__(self, received: "Queue[bytes]") -> None:
        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.put(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Take)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_several_threads_may_use_one_emulator(account: Account, client: Any) -> None:
    async def many() -> list[int]:
        calls = (asyncio.to_thread(client.smartlock.list_smartlocks) for _ in range(20))
        return [len(listed) for listed in await asyncio.gather(*calls)]

    assert asyncio.run(many()) == [1] * 20
