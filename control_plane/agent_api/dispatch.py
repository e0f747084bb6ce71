"""GET /dispatch: a long poll for work outside the schedule. POST /dispatch/results: what a test saw."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from control_plane.agent_api.server_time import time_header
from control_plane.services.fleet.hand_out_dispatches import claim_dispatches, return_dispatches, store_tests
from control_plane.web.call import Call, Reply
from control_plane.web.hub import ASSIGNMENTS, DISPATCH, Subscription
from control_plane.web.routes import Door, Route
from shared.clock import to_unix_ms
from shared.protocol import BatchReceipt, Dispatch, Dispatches, TestOutcomes

LOOK_EVERY_S = 2.0
"""However quiet it is, the table is looked at this often: a hint may have been lost."""

_NOT_RUNNING = "rejected:UNKNOWN_DISPATCH"


class DispatchQuery(Struct, frozen=True):
    """`wait`: seconds to wait for work."""

    wait: Annotated[float, Meta(ge=0, le=30)] = 25.0


async def poll_dispatch(call: Call) -> Reply | web.StreamResponse:
    agent, hub = call.agent(), call.deps.hub
    changes = f"{ASSIGNMENTS}:{agent.region_id}"
    with hub.subscribe(f"{DISPATCH}:{agent.region_id}", changes) as hints:
        changed = hub.missed(changes, agent.agent_id)
        items: tuple[Dispatch, ...] = ()
        if not changed:
            changed, items = await _wait_for_work(call, hints, changes)
    if changed:
        hub.looked(changes, agent.agent_id)
    if items:
        return await _hand_over(call, items)
    return Reply(Dispatches(to_unix_ms(call.deps.now()), assignments_changed=changed), headers=time_header(call))


async def _wait_for_work(call: Call, hints: Subscription, changes: str) -> tuple[bool, tuple[Dispatch, ...]]:
    """Whether assignments changed, and what was claimed; neither when the time is over or the client has gone."""
    agent, deps = call.agent(), call.deps
    deadline = time.monotonic() + call.query.wait
    while not _client_gone(call.request):
        due = await claim_dispatches(deps.database, deps.sealer, agent_id=agent.agent_id, region_id=agent.region_id)
        left = deadline - time.monotonic()
        if due.items or left <= 0 or hints.closed:
            return False, due.items
        hint = await hints.get(min(left, _until_due_s(due.next_due_ms)))
        if hint is not None and hint.topic == changes:
            return True, ()
    return False, ()


def _until_due_s(next_due_ms: float | None) -> float:
    """A millisecond more than until it is due: looking too early would only mean looking twice."""
    return LOOK_EVERY_S if next_due_ms is None else min(LOOK_EVERY_S, (next_due_ms + 1) / 1_000)


def _client_gone(request: web.Request) -> bool:
    """aiohttp lets a handler run on after its client has left; what it claims then would be lost."""
    return request.transport is None or request.transport.is_closing()


async def _hand_over(call: Call, items: Sequence[Dispatch]) -> web.StreamResponse:
    """Write the answer here, so that what a lost client did not get can be given back."""
    answer = Dispatches(to_unix_ms(call.deps.now()), items=tuple(items))
    response = web.Response(
        body=msgspec.json.encode(answer),
        content_type="application/json",
        headers={"Cache-Control": "no-store", **time_header(call)},
    )
    try:
        if _client_gone(call.request):
            raise ConnectionResetError("the agent went away")
        await response.prepare(call.request)
        await response.write_eof()
    except (ConnectionError, asyncio.CancelledError):
        agent = call.agent()
        await asyncio.shield(
            return_dispatches(
                call.deps.database,
                [item.id for item in items],
                agent_id=agent.agent_id,
                region_id=agent.region_id,
            )
        )
        raise
    return response


async def report_tests(call: Call) -> Reply:
    outcomes: TestOutcomes = call.body
    stored = await store_tests(call.deps.database, outcomes.items, region_id=call.agent().region_id)
    statuses = tuple("stored" if each else _NOT_RUNNING for each in stored)
    return Reply(BatchReceipt(to_unix_ms(call.deps.now()), statuses), headers=time_header(call))


ROUTES = (
    Route(
        method="GET",
        path="/api/agent/v1/dispatch",
        handler=poll_dispatch,
        operation="agent_dispatch",
        summary="Wait for re-checks, check-now and tests",
        tag="agent",
        door=Door.AGENT,
        head=False,
        query=DispatchQuery,
        reply=Dispatches,
        errors=("AGENT_DISABLED",),
    ),
    Route(
        method="POST",
        path="/api/agent/v1/dispatch/results",
        handler=report_tests,
        operation="agent_dispatch_results",
        summary="Report what tests saw",
        tag="agent",
        door=Door.AGENT,
        body=TestOutcomes,
        reply=BatchReceipt,
        max_body=1024 * 1024,
        errors=("AGENT_DISABLED",),
        example={"items": []},
    ),
)
