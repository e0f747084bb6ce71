"""/monitors/test and /monitors/{id}/check-now: an answer now instead of at the next slot."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from control_plane.services.monitors.await_dispatches import Wake
from control_plane.services.monitors.check_now import await_check_now, order_check_now
from control_plane.services.monitors.monitor_rows import Caution
from control_plane.services.monitors.test_check import await_test, order_test
from control_plane.tenant_api.monitor_views import NewCheck
from control_plane.tenant_api.one_monitor import DENIALS, PATH, READS, RULES
from control_plane.tenant_api.result_views import ResultJson, tested_result
from control_plane.tenant_api.results import results_json
from control_plane.web.call import Call, Reply
from control_plane.web.hub import TESTS, Hub, Subscription
from control_plane.web.routes import Door, Route
from shared.ids import MonitorId


class TestBody(Struct, frozen=True, kw_only=True):
    """A check, and the regions to run it from; without `regions` one region that can answer now."""

    __test__ = False

    check: NewCheck
    regions: list[str] | None = None


class OnDemandJson(Struct, frozen=True):
    """What the regions saw. `warnings` name those that did not answer in time."""

    results: list[ResultJson]
    warnings: list[Caution]


class CheckNowQuery(Struct, frozen=True):
    """`region`: one region of the monitor instead of all."""

    region: Annotated[str, Meta(max_length=40)] | None = None


async def test(call: Call) -> Reply:
    tenant_id, database = call.tenant().tenant_id, call.deps.database
    ports = call.deps.settings.security.tcp_ports
    order = await order_test(database, call.deps.sealer, tenant_id=tenant_id, body=call.body, ports=ports)
    with _tests_of(call.deps.hub, list(order.regions)) as heard:
        report = await await_test(database, order, tenant_id=tenant_id, wake=_wake(heard))
    results = [tested_result(each.result, region=each.region) for each in report.results]
    return Reply(OnDemandJson(results, report.warnings))


async def check_now(call: Call) -> Reply:
    tenant_id, database = call.tenant().tenant_id, call.deps.database
    monitor_id = MonitorId(call.uuid("monitor_id"))
    order = await order_check_now(database, tenant_id=tenant_id, monitor_id=monitor_id, region=call.query.region)
    rows, silent = await await_check_now(database, order, tenant_id=tenant_id, monitor_id=monitor_id)
    warnings = [Caution("PROBE_UNAVAILABLE", f"Region {region} did not answer in time") for region in silent]
    return Reply(OnDemandJson(await results_json(call, rows), warnings))


def _tests_of(hub: Hub, ids: list[UUID]) -> AbstractContextManager[Subscription]:
    return hub.subscribe(*(f"{TESTS}:{id_}" for id_ in ids))


def _wake(heard: Subscription) -> Wake:
    async def wake(seconds: float) -> object:
        return await heard.get(seconds)

    return wake


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/monitors/test",
        handler=test,
        operation="test_check",
        category="test_now",
        summary="Run a check without saving it",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        body=dict,
        schema=TestBody,
        reply=OnDemandJson,
        errors=(*RULES, "RATE_LIMITED", "PROBE_UNAVAILABLE", "KILL_SWITCH_ACTIVE"),
        example={"check": "https://example.com/health"},
        max_body=256 * 1024,
    ),
    Route(
        method="POST",
        path=f"{PATH}/check-now",
        category="check_now",
        handler=check_now,
        operation="check_monitor_now",
        summary="Check a monitor now, in all of its regions or one",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        query=CheckNowQuery,
        reply=OnDemandJson,
        errors=(
            *(*READS, "NOT_FOR_THIS_KIND", "MONITOR_PAUSED", "INVALID_REGIONS", "RATE_LIMITED", "PROBE_UNAVAILABLE"),
            *("KILL_SWITCH_ACTIVE", *DENIALS),
        ),
    ),
)
