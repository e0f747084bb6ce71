"""Tell the operator of tenants that name as many ports or hosts as a port scan does, and when that is over."""

from __future__ import annotations

from control_plane.domain.safety.safety_settings import settings_of
from control_plane.services.fleet.write_operator_incidents import Change, Place, ending, write_operator_incidents
from control_plane.services.installation.identity import new_id
from control_plane.store import fleet_reads, operator_incidents, port_touches, safety
from control_plane.store.operator_incidents import OperatorIncident
from control_plane.store.pool import Database
from control_plane.store.port_touches import Suspect

KIND = "port_scan"


async def watch_scans(database: Database) -> list[Change]:
    """One incident for each tenant at a limit; it ends when the last hour is below it. Older touches are forgotten."""
    async with database.app_transaction() as conn:
        await safety.hold_watch(conn)
        await port_touches.forget(conn)
        settings = settings_of(await safety.read_settings(conn))
        suspects = await port_touches.suspects(
            conn, ports_per_host=settings.scan_ports_per_host, hosts_per_port=settings.scan_hosts_per_port
        )
        held = {one.subject: one for one in await operator_incidents.hold_open(conn, kinds=[KIND])}
        found = {str(one.tenant_id): one for one in suspects}
        changes = [_opening(found[subject]) for subject in found.keys() - held.keys()]
        changes += [_ended(held[subject]) for subject in held.keys() - found.keys()]
        return await write_operator_incidents(conn, changes, now=await fleet_reads.database_clock(conn))


def _opening(suspect: Suspect) -> Change:
    if suspect.ports:
        many = f"{suspect.ports} ports of {suspect.host}"
    else:
        many = f"{suspect.hosts} hosts on port {suspect.port}"
    reason = f"Tenant {suspect.tenant} named {many} within an hour; what is beyond is refused"
    return Change(
        id=new_id(),
        kind=KIND,
        subject=str(suspect.tenant_id),
        severity="major",
        place=Place(),
        cause=f"A port scan is suspected. {reason}",
        reason=reason,
        details={
            "tenant_id": str(suspect.tenant_id),
            "ports": suspect.ports,
            "hosts": suspect.hosts,
            "host": suspect.host,
            "port": suspect.port,
        },
    )


def _ended(incident: OperatorIncident) -> Change:
    return ending(incident, cause=f"A port scan was suspected. {incident.reason}", reason="It has stopped for an hour")
