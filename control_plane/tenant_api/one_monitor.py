"""What the routes of one monitor share: reading it, changing it, and answering that it was created."""

from __future__ import annotations

import re
from uuid import UUID

from control_plane.errors import NotFound
from control_plane.services.monitors.change_monitor import change_monitor
from control_plane.services.monitors.find_incapable import find_incapable
from control_plane.services.monitors.monitor_rows import Caution
from control_plane.store import assignments_write, monitor_reads
from control_plane.store.monitor_reads import MonitorView
from control_plane.tenant_api.first_result import wait_for_first_result
from control_plane.tenant_api.heartbeat_views import parts_of
from control_plane.tenant_api.monitor_views import monitor_json
from control_plane.web.call import Call, Reply
from control_plane.web.etag import if_match
from shared.ids import MonitorId

PATH = "/api/v1/monitors/{monitor_id}"

DENIALS = ("DOMAIN_DENYLISTED", "DOMAIN_OPTED_OUT", "URL_PATTERN_BLOCKED", "ABUSE_BLOCKED", "DOMAIN_UNVERIFIED")
"""Codes of the operator's rules about targets."""

RULES = (
    *("NAME_INVALID", "INVALID_INTERVAL", "MIN_CHECK_INTERVAL", "INVALID_REGIONS", "INVALID_REGION_POLICY"),
    *("INVALID_ALERT_CONFIG", "INVALID_TIMEOUT", "INVALID_URL_FORMAT", "INVALID_URL_SCHEME", "SSRF_BLOCKED"),
    *("PORT_BLOCKED", "REDACTION_SENTINEL", "INVALID_TLS_CRED_COMBO", "KEY_TAKEN", "INVALID_CHECK_TYPE"),
    *("INVALID_TCP_HOST", "INVALID_TCP_PORT", "INVALID_TCP_PARAMS", "INVALID_DNS_PARAMS", "INVALID_PING_PARAMS"),
    *("INVALID_TLS_CERT_PARAMS", "INVALID_DOMAIN_PARAMS", "INVALID_SLA", "INVALID_DEPENDENCY", "DEPENDENCY_CYCLE"),
    *("INVALID_KEY", "INVALID_GROUP", "INVALID_NOTES", "INVALID_OWNER", "INVALID_SEVERITY", "INVALID_TAGS"),
    *("INVALID_METHOD", "INVALID_BODY_MATCH", "INVALID_CREDENTIAL", "INVALID_DEGRADED_ABOVE", "INVALID_MAX_REDIRECTS"),
    *("INVALID_STATUS_RANGE", "NOT_FOR_THIS_KIND", "INVALID_COMPOSITE_PARAMS", "INVALID_HEARTBEAT_PARAMS"),
    *("INVALID_CRON", "INVALID_TIMEZONE", "INVALID_QUIET_HOURS", "PLAN_FEATURE"),
    *(*DENIALS, "PORT_SCAN_SUSPECTED"),
)
"""Codes of a configuration that is refused."""

READS = ("MONITOR_NOT_FOUND", "INVALID_ID")
CHANGES = (*READS, "PRECONDITION_FAILED")

_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?=$|[,;\s])")
_MAX_WAIT_S = 10


async def read_monitor(call: Call, monitor_id: UUID) -> MonitorView:
    """The caller's monitor, with the regions that cannot run its check. Raises NotFound MONITOR_NOT_FOUND."""
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        view = await monitor_reads.get_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if view is None:
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    return await find_incapable(call.deps.database, view, tenant_id=tenant_id)


async def change(call: Call, body: dict[str, object]) -> None:
    """Merge the body onto the caller's monitor, as far as If-Match allows."""
    caller = call.tenant()
    await change_monitor(
        call.deps.database,
        call.deps.sealer,
        tenant_id=caller.tenant_id,
        monitor_id=MonitorId(call.uuid("monitor_id")),
        body=body,
        write_source=caller.write_source,
        ports=call.deps.settings.security.tcp_ports,
        accepted=if_match(call.request),
    )


async def created(call: Call, monitor_id: MonitorId, warnings: list[Caution]) -> Reply:
    """201 with the monitor, after waiting for its first result where the caller prefers that."""
    view = await read_monitor(call, monitor_id)
    if view.enabled and view.regions and not await _any_agent(call, view):
        warnings = [*warnings, Caution("NO_LIVE_AGENT", "None of its regions has a live agent: nothing checks it yet")]
    headers = {"Location": f"/api/v1/monitors/{monitor_id}"}
    wait_s = _wait_s(call)
    if wait_s and view.enabled and view.regions:
        await wait_for_first_result(call, view, wait_s=wait_s)
        view = await read_monitor(call, monitor_id)
        headers["Preference-Applied"] = f"wait={wait_s}"
    shown = monitor_json(view, warnings=warnings, heartbeats=await parts_of(call, [view]))
    return Reply(shown, headers=headers, etag=view.revision)


async def _any_agent(call: Call, view: MonitorView) -> bool:
    async with call.deps.database.app() as conn:
        return bool(await assignments_write.live_agents(conn, region_ids=[region.id for region in view.regions]))


def _wait_s(call: Call) -> int:
    """Seconds of `Prefer: wait=N` (RFC 7240 section 4.3), at most 10; 0 without it."""
    found = _WAIT.search(", ".join(call.request.headers.getall("Prefer", [])))
    return min(int(found[1]), _MAX_WAIT_S) if found else 0
