"""Every path of both tiers: asked once with success by each verb that it takes, and with every kind of fault; each
answer is held to Seam's own OpenAPI document."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import httpx2
from tests.http.seam.contract import paths
from tests.http.seam.parts import Home
from tests.http.seam.walk import Row, Walk, rows

from lockstep.http.seam.app import PATHS
from lockstep.http.seam.catalogue import known_paths

NOBODY = "00000000-0000-4000-8000-000000000000"
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
    for verb in sorted(known.verbs):
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
    if row.missing is not None:
        name, type = row.missing
        answer = await walk.home.raw(path, {**await row.body(walk), name: NOBODY})
        if answer.status_code != 404 or answer.json()["error"]["type"] != type:
            found.append(f"{path} for nobody: {answer.status_code} {answer.text}")
    return found + await _refused(walk.home, path, known.verbs)


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
