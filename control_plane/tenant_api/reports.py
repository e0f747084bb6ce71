"""/reports/{yyyy-mm}: the month as JSON, CSV or a page, now or as a job."""

from __future__ import annotations

import asyncio
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from control_plane.domain.checks.cron import read_zone
from control_plane.services.jobs.run_job import ReportRequest
from control_plane.services.uptime.monthly_report import month_of, monthly_report
from control_plane.services.uptime.render_report import Format, ReportJson, rendered, report_json
from control_plane.tenant_api.jobs import ASYNC_ERRORS, file_reply, ordered, wants_async
from control_plane.tenant_api.uptime import horizon
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class ReportQuery(Struct, frozen=True):
    """`format` json, csv, or html for a page that needs nothing else. The month's days are those of the zone `tz`."""

    format: Format = "json"
    tz: Annotated[str, Meta(description="IANA time zone, such as Europe/Berlin")] = "UTC"


async def report(call: Call) -> Reply | web.Response:
    query: ReportQuery = call.query
    zone = ZoneInfo(read_zone(query.tz, "/tz"))
    if wants_async(call):
        return await _order(call, query, zone)
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        made = await monthly_report(
            conn, tenant_id=tenant_id, month=call.path["month"], zone=zone, horizon=horizon(call)
        )
    if query.format == "json":
        return Reply(report_json(made))
    file = await asyncio.to_thread(rendered, made, query.format)
    return file_reply(file.content, content_type=file.content_type, filename=file.filename)


async def _order(call: Call, query: ReportQuery, zone: ZoneInfo) -> Reply:
    """A job that makes the report. Raises BadRequest INVALID_MONTH at once."""
    within = horizon(call)
    month_of(call.path["month"], zone=zone, now=within.now)
    asked = ReportRequest(month=call.path["month"], tz=query.tz, format=query.format, kept_days=within.kept.days)
    return await ordered(call, kind="report", request=msgspec.json.encode(asked), total=1)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/reports/{month}",
        handler=report,
        operation="get_report",
        summary="A month of all monitors: uptime, incidents, repair times, SLA, latency",
        tag="uptime",
        door=Door.TENANT,
        scope="monitors:read",
        query=ReportQuery,
        reply=ReportJson,
        also=("text/csv", "text/html"),
        prefer=("respond-async",),
        description="`Prefer: respond-async` answers 202 with a job; GET /jobs/{id}/result is the report then.",
        errors=("INVALID_MONTH", "INVALID_TIMEZONE", "INVALID_FORMAT", *ASYNC_ERRORS),
    ),
)
