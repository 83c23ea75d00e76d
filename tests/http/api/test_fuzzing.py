"""Whatever is sent, within the description or not: no fault of ours, and only answers that the description names."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.http.api.furnished import Home, Ids, at_home, furnish
from tests.http.api.rows import ROWS

from lockstep.emulation.clock import VirtualClock

EXAMPLES, LONG_EXAMPLES = 3, 30
"""Of each operation."""
LAST = ("cancel_", "erase_", "remove_", "disconnect_", "revoke_")
"""What destroys is tried last, so that the rest has something to work on."""


class Api:
    """The API on an event loop of its own, so that Hypothesis can drive it from outside; `ids` of what is there."""

    def __init__(self, runner: asyncio.Runner, home: Home, ids: Ids) -> None:
        self.runner = runner
        self.client = home.client
        self.document = home.app.openapi()
        self.ids = ids

    def request(self, **request: Any) -> httpx2.Response:
        return self.runner.run(self.client.request(**request))


@pytest.fixture
def api(database_url: str, clock: VirtualClock) -> Iterator[Api]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(_start(runner, stack, database_url, clock))
        runner.run(stack.aclose())


async def _start(runner: asyncio.Runner, stack: AsyncExitStack, url: str, clock: VirtualClock) -> Api:
    home = await stack.enter_async_context(at_home(url, clock))
    sample = await furnish(home, home.client, await home.connect())
    # Its own key is the one thing that it must not revoke.
    return Api(runner, home, {name: id for name, id in sample.ids.items() if name != "api_key_id"})


def test_no_request_makes_a_fault_of_ours_or_an_answer_that_is_not_described(
    api: Api, pytestconfig: pytest.Config
) -> None:
    # Large, and asked here alone: no other test process has to read it in.
    import schemathesis

    validator = Draft202012Validator(api.document)
    schema = schemathesis.openapi.from_dict(api.document)
    operations = [result.ok() for result in schema.get_all_operations()]
    examples = LONG_EXAMPLES if pytestconfig.getoption("long") else EXAMPLES
    for operation in sorted(operations, key=lambda o: o.definition.raw["operationId"].startswith(LAST)):
        fuzz(api, operation, validator, examples)
    assert len(operations) >= 70


def fuzz(api: Api, operation: Any, validator: Draft202012Validator, examples: int) -> None:
    """Send what fits the description, and what does not; of things that are there, and of others."""
    from schemathesis import GenerationMode

    described = operation.definition.raw["responses"]
    row = ROWS[operation.definition.raw["operationId"]]
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    unfitting = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(fitting, unfitting), is_nearly_right=st.booleans(), number=st.integers(0, 99))
    def try_it(case: Any, is_nearly_right: bool, number: int) -> None:
        if is_nearly_right:
            come_close(case, row.body(api.ids), number, api.ids)
        answer = send(api, case)
        label = f"{case.method} {case.formatted_path}: {answer.status_code} {answer.text[:500]}"
        assert answer.status_code < 500 or answer.status_code == 502, label
        is_other_path = answer.status_code in (404, 405) and answer.json()["code"].startswith("no_such")
        assert str(answer.status_code) in described or is_other_path, label
        check_shape(validator, described.get(str(answer.status_code), {}), answer, label)

    try_it()


def come_close(case: Any, good: Any, number: int, ids: Ids) -> None:
    """Make of a case one of things that are there, whose body is good but for one field."""
    case.path_parameters = {name: ids.get(name, id) for name, id in (case.path_parameters or {}).items()}
    case.headers = {}
    if isinstance(case.body, dict) and isinstance(good, dict):
        names = sorted(case.body)
        odd = names[number % len(names)] if names else None
        case.body = good | {name: value for name, value in case.body.items() if name == odd}


def send(api: Api, case: Any) -> httpx2.Response:
    request = case.as_transport_kwargs(base_url="http://lockstep.test")
    headers = {k: v for k, v in (request.pop("headers", None) or {}).items() if k.lower() != "authorization"}
    known = ("method", "url", "params", "json", "content", "data")
    request = {k: v for k, v in request.items() if k in known and v is not None}
    if isinstance(request.get("data"), bytes | str):
        request["content"] = request.pop("data")
    return api.request(headers=headers, **request)


def check_shape(validator: Draft202012Validator, described: Any, answer: httpx2.Response, label: str) -> None:
    """The answer's JSON is what the description says."""
    content = described.get("content", {})
    media_type = answer.headers.get("content-type", "").split(";")[0]
    if not content or not media_type.endswith("json"):
        return
    assert media_type in content, label
    schema = content[media_type]["schema"] | {"components": validator.schema["components"]}  # type: ignore[index]
    faults = list(validator.evolve(schema=schema).iter_errors(answer.json()))
    assert not faults, (label, faults[0].message)
