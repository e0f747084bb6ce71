"""Narrate an incident: its titles, the description for the public, and how grave it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from control_plane.domain.judging.incident_rules import after
from control_plane.errors import BadRequest
from control_plane.services.incidents.close_incident import tell
from control_plane.services.incidents.lock_incident import lock_incident
from control_plane.services.installation.identity import new_id
from control_plane.services.installation.require_revision import require_revision
from control_plane.store import decisions, incident_changes, incidents_read, monitors
from control_plane.store.incident_changes import Narration
from control_plane.store.incidents_read import IncidentView
from control_plane.store.pool import Database
from shared.clock import from_unix_ms
from shared.ids import TenantId


class NarrationPatch(Struct, frozen=True, kw_only=True):
    """Absent keeps. Null clears: severity is major then, and a declared incident keeps its title."""

    title: str | UnsetType | None = UNSET
    public_title: str | UnsetType | None = UNSET
    public_description: str | UnsetType | None = UNSET
    severity: str | UnsetType | None = UNSET


async def narrate_incident(
    database: Database,
    patch: NarrationPatch,
    *,
    tenant_id: TenantId,
    incident_id: UUID,
    actor: str,
    accepted: frozenset[int] | None = None,
) -> None:
    """Merge the patch (RFC 7396). One that changes nothing writes nothing.

    `accepted`: the revisions that If-Match allows, None for any. Raises NotFound INCIDENT_NOT_FOUND,
    PreconditionFailed, BadRequest INVALID_TITLE.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        incident = await lock_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        after("narrate", incident.state)
        require_revision(incident.revision, accepted)
        narration, changed = _merged(incident, patch)
        if not changed:
            return
        now = from_unix_ms(await monitors.now_ms(conn))
        await incident_changes.narrate(conn, narration, tenant_id=tenant_id, incident_id=incident_id, at=now)
        line = (tenant_id, incident_id, new_id(), "narrated", now, actor, _words(changed), {"changed": changed})
        await decisions.append_incident_events(conn, [line])
        view = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        assert view is not None
        await tell(conn, tenant_id=tenant_id, incident=view, event="incident.updated", reason=f"Changed by {actor}")


def _merged(incident: IncidentView, patch: NarrationPatch) -> tuple[Narration, dict[str, Any]]:
    """The narration afterwards, and what changed: name → [before, after]."""
    old = Narration(
        title=incident.title,
        public_title=incident.public_title,
        public_description=incident.public_description,
        severity=incident.severity,
    )
    given = {name: value for name, value in structs.asdict(patch).items() if value is not UNSET}
    if given.get("severity", "") is None:
        given["severity"] = "major"
    new = structs.replace(old, **given)
    if new.title is None and incident.origin == "person":
        raise BadRequest("a declared incident has a title", code="INVALID_TITLE", field="/title")
    before, now = structs.asdict(old), structs.asdict(new)
    return new, {name: [before[name], now[name]] for name in now if before[name] != now[name]}


def _words(changed: dict[str, Any]) -> str:
    named = ", ".join(name.replace("_", " ") for name in changed if name != "severity")
    said = [f"severity from {changed['severity'][0]} to {changed['severity'][1]}"] if "severity" in changed else []
    return "; ".join([*said, *([named] if named else [])]).capitalize()
