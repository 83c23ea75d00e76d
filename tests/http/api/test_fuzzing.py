"""Whatever is sent, within the description or not: no fault of ours, and only answers that the description names."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lockstep.emulation.clock import VirtualClock
from lockstep.http.api.app import create_api
from lockstep.http.api.settings import ApiSettings
from lockstep.kit.outbound import OutboundPolicy
from lockstep.kit.sealing import Sealer
from lockstep.model.permissions import system
from lockstep.operations import api_keys, workspaces
from lockstep.operations.gate import Gate
from lockstep.storage.database import Database


class Api:
    """The API on an event loop of its own, so that Hypothesis can drive it from outside."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient, document: dict[str, Any]) -> None:
        self.runner = runner
        self.client = client
        self.document = document

    def request(self, **request: Any) -> httpx.Response:
        return self.runner.run(self.client.request(**request))


@pytest.fixture
def api(database_url: str, clock: VirtualClock) -> Iterator[Api]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(_start(runner, stack, database_url, clock))
        runner.run(stack.aclose())


async def _start(runner: asyncio.Runner, stack: AsyncExitStack, url: str, clock: VirtualClock) -> Api:
    database = await Database.open(url)
    stack.push_async_callback(database.close)
    http = await stack.enter_async_context(httpx.AsyncClient())
    sealer = Sealer({1: b"m" * 32}, b"f" * 32)
    gate = Gate(database, clock, sealer, secrets.SystemRandom(), {}, http, OutboundPolicy())
    owner = system(await workspaces.create(gate, "Harbour flats"), "test")
    async with gate.transaction(owner.workspace_id) as tx:
        command = api_keys.CreateApiKey("Fuzz", sorted(owner.scopes))
        secret = (await api_keys.create(tx, owner, command)).secret
    app = create_api(gate, ApiSettings(requests_per_second=1e6, burst=1_000_000))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {secret}"}
    client = httpx.AsyncClient(transport=transport, base_url="http://lockstep.test", headers=headers)
    return Api(runner, await stack.enter_async_context(client), app.openapi())


def test_no_request_makes_a_fault_of_ours_or_an_answer_that_is_not_described(api: Api) -> None:
    validator = Draft202012Validator(api.document)
    schema = schemathesis.openapi.from_dict(api.document)
    operations = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    for operation in operations:
        fuzz(api, operation, validator)
    assert len(operations) >= 20


def fuzz(api: Api, operation: Any, validator: Draft202012Validator) -> None:
    """Send what fits the description, and what does not."""
    described = operation.definition.raw["responses"]
    fitting = operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
    unfitting = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(fitting, unfitting))
    def try_it(case: Any) -> None:
        answer = send(api, case)
        label = f"{case.method} {case.formatted_path}: {answer.status_code} {answer.text[:500]}"
        assert answer.status_code < 500, label
        assert str(answer.status_code) in described or answer.status_code in (404, 405), label
        check_shape(validator, described.get(str(answer.status_code), {}), answer, label)

    try_it()


def send(api: Api, case: Any) -> httpx.Response:
    request = case.as_transport_kwargs(base_url="http://lockstep.test")
    headers = {k: v for k, v in (request.pop("headers", None) or {}).items() if k.lower() != "authorization"}
    known = ("method", "url", "params", "json", "content", "data", "cookies")
    request = {k: v for k, v in request.items() if k in known and v is not None}
    request.pop("cookies", None)
    if isinstance(request.get("data"), bytes | str):
        request["content"] = request.pop("data")
    return api.request(headers=headers, **request)


def check_shape(validator: Draft202012Validator, described: Any, answer: httpx.Response, label: str) -> None:
    """The answer's JSON is what the description says."""
    content = described.get("content", {})
    media_type = answer.headers.get("content-type", "").split(";")[0]
    if not content or not media_type.endswith("json"):
        return
    assert media_type in content, label
    schema = content[media_type]["schema"] | {"components": validator.schema["components"]}  # type: ignore[index]
    faults = list(validator.evolve(schema=schema).iter_errors(answer.json()))
    assert not faults, (label, faults[0].message)
