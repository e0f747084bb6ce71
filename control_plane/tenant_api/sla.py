"""/monitors/{id}/sla: how a monitor stands against its target."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct, field

from control_plane.domain.uptime.availability import SlaState
from control_plane.errors import NotFound
from control_plane.services.uptime.read_availability import read_uptimes
from control_plane.tenant_api.one_monitor import PATH, READS
from control_plane.tenant_api.uptime import horizon, uptime_monitor
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class SlaJson(Struct, frozen=True, kw_only=True):
    """The last `period_days` days. `target` and `uptime_pct` in per cent.

    `error_budget_secs`: how much of the known time may be down. `left`: what of it is left, in seconds, negative when
    it is overspent, and then the state is breached; under a quarter it is at_risk. The state is null while nothing is
    known.
    """

    target: float
    period_days: int
    from_: datetime = field(name="from")
    to: datetime
    uptime_pct: float | None
    down_secs: int
    error_budget_secs: int
    left: int
    state: SlaState | None


async def sla(call: Call) -> Reply:
    tenant_id, wanted = call.tenant().tenant_id, horizon(call)
    async with call.deps.database.tenant(tenant_id) as conn:
        monitor = await uptime_monitor(conn, call)
        if monitor.sla_target is None or monitor.sla_period_days is None:
            message = 'This monitor has no SLA: give it one with {"sla": {"target": 99.9, "period_days": 30}}'
            raise NotFound(message, code="SLA_NOT_SET")
        start = wanted.now - timedelta(days=monitor.sla_period_days)
        found = await read_uptimes(conn, [monitor], tenant_id=tenant_id, start=start, end=wanted.now, horizon=wanted)
    availability = found[monitor.id]
    stands = availability.sla(monitor.sla_target)
    return Reply(
        SlaJson(
            target=monitor.sla_target,
            period_days=monitor.sla_period_days,
            from_=availability.start,
            to=availability.end,
            uptime_pct=availability.uptime_pct,
            down_secs=availability.seconds.down,
            error_budget_secs=stands.budget_s,
            left=stands.left_s,
            state=stands.state,
        )
    )


ROUTES = (
    Route(
        method="GET",
        path=f"{PATH}/sla",
        handler=sla,
        operation="get_monitor_sla",
        summary="Uptime against the target, and what is left of the error budget",
        tag="uptime",
        door=Door.TENANT,
        scope="monitors:read",
        reply=SlaJson,
        errors=(*READS, "SLA_NOT_SET"),
    ),
)
