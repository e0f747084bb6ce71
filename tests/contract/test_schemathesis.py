"""Generated requests against a served control plane: every answer is one that the OpenAPI document promises.

TEST_FARWATCH_FUZZ_REQUESTS (12 for each list; a body has twice as many, a lone id a third; 2 000 in all) and
TEST_FARWATCH_FUZZ_SEED ask for more requests and for other ones. Nothing leaves the loopback: no agent and no job
runs, so monitors and channels are stored and never used.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from schemathesis.core.failures import FailureGroup

from control_plane.app import openapi_document
from control_plane.store.pool import Database
from tests.support import fuzzing
from tests.support.fuzz_world import target_of
from tests.support.fuzzing import AnyOperation

REQUESTS = int(os.environ.get("TEST_FARWATCH_FUZZ_REQUESTS", "12"))
SEED = int(os.environ.get("TEST_FARWATCH_FUZZ_SEED", "1"))

DOCUMENT = json.loads(openapi_document())
ELSEWHERE = {
    "stream_events": "a stream of Server-Sent Events has no end to wait for: tests/integration/sse",
    "stream_monitor_events": "as above",
    "follow_public_page": "as above: tests/integration/pages/test_public_events.py",
    "test_check": "waits for an agent's answer, and none runs: tests/integration/tenant_api/test_on_demand.py",
    "check_monitor_now": "as above",
    "test_channel_config": "sends to the URL it is given, which would leave the loopback: tests/integration/deliveries",
    "test_channel": "as above",
    "test_push_subscription": "as above",
    "resend_verification": "needs a mail server: tests/integration/email",
    "resend_operator_verification": "as above",
    "create_page_subscriber": "as above: tests/integration/subscribers",
    "test_operator_channel": "as above",
    "get_dashboard_sparklines": "takes ids in its query: tests/integration/sharing/test_dashboard_reads.py",
    "put_status_page_logo": "takes a picture: tests/integration/pages/test_page_logo.py",
}
"""Operations that are not fuzzed, and why."""

DOORS = ("tenant", "operator", "public")  # the agent door: tests/integration/agent_api, tests/property/test_wire.py


def operation_id(operation: AnyOperation) -> str:
    name: str = operation.definition.raw["operationId"]
    return name


ALL = list(fuzzing.operations(DOCUMENT))
FUZZED = [each for each in ALL if each.definition.raw["x-door"] in DOORS and operation_id(each) not in ELSEWHERE]


@pytest.mark.parametrize("operation", FUZZED, ids=operation_id)
async def test_an_operation_answers_as_documented(operation: AnyOperation, database: Database) -> None:
    async with target_of(database, operation) as target:
        count = fuzzing.share_of(operation, REQUESTS)
        await asyncio.to_thread(fuzzing.fuzz, operation, target, requests_wanted=count, first=SEED)
    assert min(target.answers) < 300, "of all the requests at least one is good"


def test_what_is_not_fuzzed_is_there_and_has_a_reason() -> None:
    assert {operation_id(each) for each in ALL} >= set(ELSEWHERE)
    assert len(FUZZED) == sum(each.definition.raw["x-door"] in DOORS for each in ALL) - len(ELSEWHERE)


ONE_OPERATION = {
    "openapi": "3.1.0",
    "info": {"title": "A test's", "version": "1"},
    "paths": {"/things": {"get": DOCUMENT["paths"]["/api/v1/me"]["get"]}},
    "components": DOCUMENT["components"],
}
REFUSAL = {"code": "UNAUTHENTICATED", "message": "No key", "field": None, "details": None, "trace_id": "0" * 32}


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (500, {"error": REFUSAL | {"code": "INTERNAL"}}, "Server error"),
        (200, {"tenant": 1}, "Response violates schema"),
        (202, {}, "Undocumented success"),
        (400, {"code": "BAD"}, "Response violates schema"),
        (400, {"error": REFUSAL | {"code": "Bad request"}}, "not UPPER_SNAKE"),
        (400, {"error": REFUSAL | {"code": "NEVER_HEARD_OF"}}, "Undeclared code"),
        (400, {"error": REFUSAL | {"hint": "x"}}, "Broken envelope"),
        (400, "a page", "no JSON"),
    ],
)
async def test_an_answer_that_breaks_a_promise_is_noticed(status: int, body: Any, complaint: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/things", answer)
    (operation,) = fuzzing.operations(ONE_OPERATION)
    async with TestServer(app) as server:
        target = fuzzing.Target(url=str(server.make_url("")), headers={}, known={})
        with pytest.raises(FailureGroup) as failed:
            await asyncio.to_thread(fuzzing.fuzz, operation, target, requests_wanted=5, first=1)
    assert complaint in str(failed.value)


async def test_an_answer_that_keeps_every_promise_is_not() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"error": REFUSAL}, status=401)

    app = web.Application()
    app.router.add_get("/things", answer)
    (operation,) = fuzzing.operations(ONE_OPERATION)
    async with TestServer(app) as server:
        target = fuzzing.Target(url=str(server.make_url("")), headers={}, known={})
        await asyncio.to_thread(fuzzing.fuzz, operation, target, requests_wanted=5, first=1)
    assert set(target.answers) == {401}
