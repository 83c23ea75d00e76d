"""Every path of both tiers: asked with success by each verb that it takes, by a client session where Seam lets one, by
strangers, and with every kind of fault; each answer is held to Seam's own OpenAPI document."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any
from urllib.parse import urlencode

import httpx2
from seam import (
    Seam,
    SeamActionAttemptError,
    SeamActionAttemptFailedError,
    SeamHttpApiError,
    SeamWithoutWorkspace,
)
from tests.http.api.parts import bearer
from tests.http.seam.contract import paths
from tests.http.seam.parts import SHARED, Home
from tests.http.seam.walk import Row, Walk, rows

from lockstep.http.seam.app import PATHS
from lockstep.http.seam.catalogue import known_paths
from lockstep.model.permissions import ALL_SCOPES, system
from lockstep.operations import api_keys, workspaces
from lockstep.operations.api_keys import CreateApiKey

STRANGERS = "seam_lockstep_of_another_workspace"
NOBODY = "00000000-0000-4000-8000-000000000000"
TAKE_SESSIONS = {
    path
    for path, verbs in paths().items()
    if any("client_session" in way for way in verbs["post"].get("security", ()))
} - {"/user_identities/unmanaged/update"}
"""What Seam's contract lets a person's app ask. That an app takes people in is not allowed here."""
ALL_VERBS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def test_every_path_that_is_built_has_a_row_and_every_row_a_path() -> None:
    assert set(rows()) == set(PATHS)


def test_the_catalogue_is_the_contract() -> None:
    known = {path: {v.upper() for v in verbs} & ALL_VERBS for path, verbs in paths().items()}
    assert {path: set(it.verbs) for path, it in known_paths().items() if path in known} == known
    tiers = [it.tier for it in known_paths().values()]
    assert (tiers.count(1), tiers.count(2)) == (61, 61)


async def test_every_path_answers_by_every_verb_and_says_what_is_wrong(home: Home) -> None:
    walk = Walk(home)
    wrong: list[str] = []
    for path, row in rows().items():
        wrong += await _walked(walk, path, row)
    assert not wrong + home.witness.wrong, "\n".join(wrong + home.witness.wrong)


async def _walked(walk: Walk, path: str, row: Row) -> list[str]:
    known = known_paths()[path]
    found = []
    found += await _through_the_sdk(walk, path, row)
    for verb in sorted(known.verbs - {sdk_verb(known.verbs)}):
        body = await row.body(walk)
        answer = await _asked(walk.home, verb, path, body, row)
        if answer.status_code != 200:
            found.append(f"{verb} {path}: {answer.status_code} {answer.text}")
        elif known.answers is not None and known.answers not in answer.json():
            found.append(f"{verb} {path}: no {known.answers} in the answer")
    for bad in row.bad:
        answer = await _asked(walk.home, "POST", path, {**await row.body(walk), **bad}, row)
        if answer.status_code != 400 or answer.json()["error"]["type"] != "invalid_input":
            found.append(f"{path} with {bad}: {answer.status_code} {answer.text}")
    if row.missing is not None or path in TAKE_SESSIONS:
        found += await _by_others(walk, path, row)
    return found + await _refused(walk.home, path, known.verbs)


async def _by_others(walk: Walk, path: str, row: Row) -> list[str]:
    """For what is not there, by whoever has another workspace's key, and by a person's app: with one request, since
    what it needs is made by others."""
    body = dict(await row.body(walk))
    found = []
    if row.missing is not None:
        name, type = row.missing
        answer = await walk.home.raw(path, {**body, name: NOBODY})
        if answer.status_code != 404 or answer.json()["error"]["type"] != type:
            found.append(f"{path} for nobody: {answer.status_code} {answer.text}")
        found += await _by_a_stranger(walk.home, path, body)
    if path in TAKE_SESSIONS:
        found += await _by_a_session(walk, path, row, body)
    return found


async def _by_a_stranger(home: Home, path: str, body: dict[str, Any]) -> list[str]:
    """Whoever has another workspace's key finds none of this one's."""
    gate = home.house.gate
    if await api_keys.authenticate(gate, STRANGERS) is None:
        stranger = system(await workspaces.create(gate, "Hill flats"), "test")
        async with gate.transaction(stranger.workspace_id) as tx:
            await api_keys.import_secret(tx, stranger, CreateApiKey("Other", sorted(ALL_SCOPES)), STRANGERS)
    answer = await home.http.post(path, json=body, headers=bearer(STRANGERS))
    said = answer.json()
    if answer.status_code == 200 and not any(value for key, value in said.items() if key != "ok"):
        return []
    if answer.status_code == 404 and said["error"]["type"].endswith("_not_found"):
        return []
    return [f"{path} by a stranger: {answer.status_code} {answer.text[:300]}"]


async def _by_a_session(walk: Walk, path: str, row: Row, body: dict[str, Any]) -> list[str]:
    """One that was given all accounts, and what else the request names."""
    found = await _asked(walk.home, "POST", "/connected_accounts/list", {}, row)
    session: dict[str, Any] = {
        "user_identifier_key": "an app",
        "connected_account_ids": [it["connected_account_id"] for it in found.json()["connected_accounts"]],
        **{name: body[name] for name in ("user_identity_id", "customer_key") if name in body},
    }
    if "connect_webview_id" in body:
        session["connect_webview_ids"] = [body["connect_webview_id"]]
    made = await _asked(walk.home, "POST", "/client_sessions/get_or_create", session, row)
    token = bearer(made.json()["client_session"]["token"])
    if path == "/client_sessions/get":
        # Its own.
        body = {}
    answer = await walk.home.http.post(path, json=body, headers=token)
    if answer.status_code != 200:
        return [f"{path} by a client session: {answer.status_code} {answer.text}"]
    return []


def sdk_verb(verbs: frozenset[str]) -> str:
    """The one that says what the path does; today's SDKs send it."""
    return next(verb for verb in ("GET", "DELETE", "PATCH", "PUT", "POST") if verb in verbs)


async def _through_the_sdk(walk: Walk, path: str, row: Row) -> list[str]:
    """The method of PyPI `seam` that asks this path, with what it takes of the row."""
    home, known = walk.home, known_paths()[path]
    sdk = _sdk_of(home, row)
    method: Any = sdk
    for part in path.strip("/").split("/"):
        method = getattr(method, part)
    takes = inspect.signature(method).parameters
    takes_all = any(it.kind is inspect.Parameter.VAR_KEYWORD for it in takes.values())
    body = {n: value for n, value in (await row.body(walk)).items() if takes_all or n in takes}
    before = len(home.witness.answers)
    try:
        if known.answers == "action_attempt":
            # A lock that was just asked for something else answers "in a moment".
            await home.settle()
            await home.ask(method, **body)
        else:
            await asyncio.to_thread(method, **body)
    except SeamActionAttemptFailedError as fault:
        # A code that nobody has opens no emulated door, which is what its simulation has to say.
        return [] if "simulate" in path else [f"seam{path.replace('/', '.')}: {fault!r}"]
    except (SeamHttpApiError, SeamActionAttemptError, ValueError) as fault:
        return [f"seam{path.replace('/', '.')}: {fault!r}"]
    finally:
        if sdk is not home.seam:
            sdk.close()
    first = home.witness.answers[before]
    is_asked_so = (first.path, first.verb) == (path, sdk_verb(known.verbs))
    return [] if is_asked_so else [f"seam{path.replace('/', '.')} asked {first.verb} {first.path}"]


def _sdk_of(home: Home, row: Row) -> Any:
    """With the credentials of the row, where it has its own."""
    secret = row.headers.get("authorization", "").removeprefix("Bearer ")
    if not secret:
        return home.seam
    if secret.startswith("seam_at"):
        return SeamWithoutWorkspace(personal_access_token=secret, endpoint=home.url, httpx_options=SHARED)
    return Seam(api_key=secret, endpoint=home.url, httpx_options=SHARED)


async def _refused(home: Home, path: str, verbs: frozenset[str]) -> list[str]:
    """Without a key, with a wrong one, and by a verb that it does not take."""
    found = []
    for headers in ({"authorization": ""}, {"authorization": "Bearer seam_lockstep_wrong"}):
        answer = await home.http.post(path, json={}, headers=headers)
        if answer.status_code != 401 or answer.json()["error"]["type"] != "unauthorized":
            found.append(f"{path} with {headers}: {answer.status_code} {answer.text}")
    for verb in ALL_VERBS - verbs:
        answer = await home.http.request(verb, path)
        if answer.status_code != 405 or answer.json()["error"]["type"] != "method_not_allowed":
            found.append(f"{verb} {path}: {answer.status_code} {answer.text}")
    return found


async def _asked(home: Home, verb: str, path: str, body: Any, row: Row) -> httpx2.Response:
    """As the SDK asks: reads and deletions in the query."""
    if verb in ("GET", "DELETE"):
        query = f"?{written(body)}" if body else ""
        return await home.http.request(verb, path + query, headers=dict(row.headers))
    return await home.http.request(verb, path, json=body, headers=dict(row.headers))


def written(body: Any) -> str:
    """As @seamapi/url-search-params-serializer writes it."""
    pairs: list[tuple[str, str]] = []
    for name in sorted(body):
        value = body[name]
        for one in (value or [""]) if isinstance(value, list) else [value]:
            pairs.append((name, one if isinstance(one, str) else json.dumps(one)))
    return urlencode([*pairs, ("_strict", "true")])
