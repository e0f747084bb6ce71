"""Refuse at submission what may not be watched. Monitors pass the same gate in domain/monitor_rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog

from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.monitors.region_choice import RegionChoice
from control_plane.domain.safety.safety import Denial, Rules, Target, target_of_url
from control_plane.domain.safety.safety_gate import Gate
from control_plane.domain.safety.safety_scan import Touch, touch_of
from control_plane.domain.safety.safety_settings import SafetySettings
from control_plane.errors import Refused
from control_plane.services.safety.read_gate import read_gate
from control_plane.store import port_touches, safety
from control_plane.store.pool import Connection
from shared.ids import MonitorId, TenantId

_log = structlog.get_logger(__name__)


async def refuse_target(
    conn: Connection, *, tenant_id: TenantId, check: MonitorCheck, regions: Sequence[RegionChoice]
) -> None:
    """Raise Refused for a denied target or a suspected port scan, Unavailable KILL_SWITCH_ACTIVE while it is on."""
    gate = await read_gate(conn, tenant_id=tenant_id)
    gate.refuse_stopped()
    gate.refuse(check, "/check")
    await refuse_port_scan(conn, gate.settings, tenant_id=tenant_id, check=check, regions=regions)


async def refuse_blocked(conn: Connection, *, tenant_id: TenantId, monitor_id: MonitorId) -> None:
    """Raise Refused with the code of the rule that keeps a stored monitor from all agents."""
    blocked = await safety.blocked_by(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if blocked is not None:
        raise Refused(blocked["message"], code=blocked["code"])


async def refuse_port_scan(
    conn: Connection,
    settings: SafetySettings,
    *,
    tenant_id: TenantId,
    check: MonitorCheck,
    regions: Sequence[RegionChoice],
) -> None:
    """Note the port that the check names, or raise Refused PORT_SCAN_SUSPECTED when it is one too many in an hour.

    Ports of the web are not counted, nor is what runs from private regions alone.
    """
    touch = touch_of(check)
    if touch is None or not regions or all(region.private for region in regions):
        return
    await refuse_scans(conn, settings, tenant_id=tenant_id, touches=[touch])


async def refuse_scans(
    conn: Connection, settings: SafetySettings, *, tenant_id: TenantId, touches: Collection[Touch]
) -> None:
    """The same for many at once: all of them count, or none."""
    if not touches:
        return
    hosts, ports = {touch.host for touch in touches}, {touch.port for touch in touches}
    await port_touches.note(conn, tenant_id=tenant_id, touches=touches)
    found = await port_touches.count(conn, tenant_id=tenant_id, hosts=sorted(hosts), ports=sorted(ports))
    if settings.scan_ports_per_host and found.ports > settings.scan_ports_per_host:
        raise _suspected(tenant_id, f"{settings.scan_ports_per_host} ports of one host")
    if settings.scan_hosts_per_port and found.hosts > settings.scan_hosts_per_port:
        raise _suspected(tenant_id, f"{settings.scan_hosts_per_port} hosts on one port")


def _suspected(tenant_id: TenantId, limit: str) -> Refused:
    _log.warning("port_scan_suspected", tenant_id=str(tenant_id), limit=limit)
    message = f"More than {limit} within an hour looks like a port scan. Try again later, or ask the operator"
    return Refused(message, code="PORT_SCAN_SUSPECTED", field="/check", details={"limit": limit})


async def refuse_crowded(
    conn: Connection, gate: Gate, *, tenant_id: TenantId, check: MonitorCheck, interval_s: int
) -> None:
    """Raise Refused DOMAIN_UNVERIFIED when another monitor took an unproven domain's place since `gate` was read.

    The caller holds the tenant's counters, so that whoever comes second sees what the first has committed.
    """
    if gate.settings.require_domain_verification:
        now = await read_gate(conn, tenant_id=tenant_id)
        now.refuse_unverified(check, interval_s=interval_s, new=True)


async def refuse_destination(conn: Connection, *, tenant_id: TenantId, host: str, settings: Mapping[str, Any]) -> None:
    """Raise Refused where a channel would send to a denied host or URL. `settings`: its secrets, opened."""
    denial = denied_destination((await read_gate(conn, tenant_id=tenant_id)).rules, host=host, settings=settings)
    if denial is not None:
        raise denial.error("/".join(["/config", *list(_urls(settings))[:1]]))


def denied_destination(rules: Rules, *, host: str, settings: Mapping[str, Any]) -> Denial | None:
    """What forbids to send there. `settings`: the channel's secrets, opened."""
    for target in (*map(target_of_url, _urls(settings).values()), _of_host(host)):
        denial = rules.find(target)
        if denial is not None:
            return denial
    return None


def _urls(settings: Mapping[str, Any]) -> dict[str, str]:
    """Those settings that are URLs, by their field."""
    texts = {field: value for field, value in settings.items() if isinstance(value, str)}
    return {field: text for field, text in texts.items() if text[:8].lower().startswith("http")}


def _of_host(host: str) -> Target:
    return target_of_url(f"https://{host}/") if host else Target((), ())
