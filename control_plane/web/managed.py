"""Manage keys: each opens the one monitor or status page that it was made for, with what hangs on it, and nothing else.

Three walls: the operations listed here with the ids of their paths; the tenant in every statement; and the policies of
the role farwatch_manage (sql/migrations/0021.manage_keys.sql), under which all connections of such a request work.
"""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from control_plane.domain.tenants.plan import terms_of
from control_plane.errors import BadRequest, Forbidden, NotFound
from control_plane.store import manage_keys
from control_plane.store.pool import Database
from control_plane.web.caller import TenantCaller

SCOPES = frozenset(
    {
        *("monitors:read", "monitors:write", "heartbeats:read", "heartbeats:write", "incidents:read"),
        *("incidents:write", "events:read", "config:read", "regions:read"),
    }
)

OPEN = frozenset(
    {
        *("list_monitors", "get_monitor", "change_monitor", "delete_monitor", "pause_monitor", "resume_monitor"),
        *("get_monitor_regions", "set_monitor_regions", "drop_monitor_region"),
        *("get_monitor_votes", "get_monitor_verdict", "list_monitor_transitions", "list_monitor_results"),
        *("get_monitor_latency", "get_monitor_latency_by_region", "get_monitor_uptime", "list_monitor_days"),
        *("get_monitor_sla", "check_monitor_now"),
        *("export_monitor", "stream_monitor_events"),
        *("list_heartbeats", "get_heartbeat", "list_pings", "get_ping_body", "list_runs", "rotate_heartbeat"),
        *("list_incidents", "list_monitor_incidents", "get_incident", "list_incident_notes", "list_incident_updates"),
        *("acknowledge_incident", "resolve_incident", "reopen_incident", "add_incident_note"),
        *("get_manage_key", "rotate_manage_key", "delete_manage_key", "list_regions", "get_region", "get_me"),
    }
)
"""Operations that a monitor's manage key opens. A route that is added is closed to it until it stands here."""

PAGE_SCOPES = frozenset({"status-pages:read", "status-pages:write"})
OPEN_TO_PAGES = frozenset(
    {
        *("list_status_pages", "get_status_page", "change_status_page", "delete_status_page", "reorder_status_page"),
        *("list_status_page_components", "create_status_page_component", "get_status_page_component"),
        *("change_status_page_component", "delete_status_page_component"),
        *("get_status_page_logo", "put_status_page_logo", "delete_status_page_logo"),
        *("list_page_subscribers", "count_page_subscribers", "get_page_subscriber", "delete_page_subscriber"),
        *("get_page_manage_key", "rotate_page_manage_key", "delete_page_manage_key", "get_me"),
    }
)
"""The same for a status page's. It asks nobody by mail: whoever wants to be told subscribes on the page."""


async def manager_of(database: Database, digest: bytes) -> TenantCaller | None:
    """Whoever has the manage key of this digest."""
    async with database.app() as conn:
        owner = await manage_keys.find_owner(conn, digest=digest)
        if owner is None:
            return None
        await manage_keys.touch(conn, tenant_id=owner.tenant_id, key_id=owner.id)
    return TenantCaller(
        tenant_id=owner.tenant_id,
        key_id=owner.id,
        label=owner.prefix,
        scopes=SCOPES if owner.page_id is None else PAGE_SCOPES,
        terms=terms_of(owner.terms),
        plan=owner.plan,
        suspended=owner.suspended,
        monitor_id=owner.monitor_id,
        page_id=owner.page_id,
    )


async def require_managed(operation: str, request: web.Request, caller: TenantCaller, database: Database) -> None:
    """Let a manage key pass to what is its monitor's or its page's. Other callers pass.

    Raises Forbidden NOT_FOR_MANAGE_KEYS for operations that it does not open, and NotFound for what is another's,
    as for what does not exist.
    """
    if caller.managed is None:
        return
    if operation not in (OPEN if caller.page_id is None else OPEN_TO_PAGES):
        what = "monitor" if caller.page_id is None else "status page"
        message = f"A manage key opens its one {what} and what hangs on it. For all else, ask for an account"
        raise Forbidden(message, code="NOT_FOR_MANAGE_KEYS")
    page = request.match_info.get("page_id")
    if page is not None and page.lower() != str(caller.page_id):
        raise NotFound("There is no such status page", code="STATUS_PAGE_NOT_FOUND")
    monitor = request.match_info.get("monitor_id")
    if monitor is not None and monitor.lower() != str(caller.monitor_id):
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    incident = request.match_info.get("incident_id")
    if incident is not None and not await _is_own(database, caller, _uuid(incident)):
        raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")


async def _is_own(database: Database, caller: TenantCaller, incident_id: UUID) -> bool:
    async with database.tenant(caller.tenant_id) as conn:
        return await manage_keys.is_incident_of(
            conn, tenant_id=caller.tenant_id, incident_id=incident_id, monitor_id=caller.monitor_id
        )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest("incident_id must be a UUID", code="INVALID_ID", field="/incident_id") from None
