"""The API describes itself: valid OpenAPI 3.1, every route complete, and a page that loads nothing from elsewhere."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from lockstep.http.api.app import create_api
from lockstep.operations.gate import Gate


@pytest.fixture
def document(gate: Gate) -> dict[str, Any]:
    return create_api(gate).openapi()


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_description_is_valid_openapi(document: dict[str, Any]) -> None:
    # Large, and asked here alone.
    from openapi_spec_validator import validate

    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_has_an_id_of_its_own_words_and_its_problems(document: dict[str, Any]) -> None:
    ids = []
    for path, method, operation in operations_of(document):
        ids.append(operation["operationId"])
        assert operation["tags"], path
        assert operation["description"], path
        assert {"400", "401", "403", "429"} <= set(operation["responses"]), path
        assert "422" not in operation["responses"], path
        assert "404" in operation["responses"] or "{" not in path, path
        names = [p["name"] for p in operation.get("parameters", [])]
        assert ("Idempotency-Key" in names) == (method != "get"), path
    assert len(ids) == len(set(ids))


def test_every_tag_says_what_it_holds_and_every_answer_what_it_means(document: dict[str, Any]) -> None:
    told = {tag["name"] for tag in document["tags"] if tag["description"]}
    used = {tag for _, _, operation in operations_of(document) for tag in operation["tags"]}
    assert used == told
    schemas = document["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []
    assert schemas["AccessCode"]["properties"]["standing"]["description"].startswith("`proven`")
    assert [name for name in schemas if "_" in name or name.endswith("Out")] == []


def test_ids_have_examples_that_show_their_kind(document: dict[str, Any]) -> None:
    for path, _, operation in operations_of(document):
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] != "path" or "_01" in parameter["example"], path
    for name, schema in document["components"]["schemas"].items():
        for field, value in schema.get("properties", {}).items():
            assert not field.endswith(("_id", "_ids")) or value["examples"], f"{name}.{field}"


async def test_no_route_answers_without_a_key(document: dict[str, Any], stranger: httpx2.AsyncClient) -> None:
    for path, method, operation in operations_of(document):
        answer = await stranger.request(method, re.sub(r"\{.*?\}", "x", path))
        assert answer.status_code == 401, operation["operationId"]


async def test_the_page_and_the_description_are_open_and_load_nothing_from_elsewhere(
    stranger: httpx2.AsyncClient,
) -> None:
    page = await stranger.get("/v1/docs")
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert not re.search(r"https?:|//", page.text.replace("<!doctype html>", ""))
    assert "<script>" not in page.text
    assert (await stranger.get("/v1/openapi.json")).json()["info"]["title"] == "Lockstep"
