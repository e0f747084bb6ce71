"""Monitors that people without an account created: what differs in creating, changing and showing them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from control_plane.domain.tenants.anonymous_rules import read_public, refuse_other_target, refuse_shared
from control_plane.services.monitors.create_anonymous_monitor import create_anonymous_monitor
from control_plane.store import manage_keys
from control_plane.store.tenants import ANONYMOUS
from control_plane.tenant_api.monitor_views import MonitorJson
from control_plane.tenant_api.one_monitor import change, created, read_monitor
from control_plane.web.call import Call, Reply
from shared.ids import MonitorId


def is_of_the_anonymous(call: Call) -> bool:
    """Whether the caller works in the tenant of those without an account."""
    return call.tenant().tenant_id == ANONYMOUS


async def create(call: Call) -> Reply:
    """201 with the manage key, for a caller without a credential."""
    caller = call.tenant()
    monitor_id = MonitorId(call.deps.new_id())
    issued, warnings = await create_anonymous_monitor(
        call.deps.database,
        call.deps.sealer,
        caller_id=caller.id,
        monitor_id=monitor_id,
        body=call.body,
        write_source=caller.write_source,
        settings=call.deps.settings,
    )
    reply = await created(call, monitor_id, warnings)
    shown = await with_public(call, [reply.value])
    return Reply(replace(shown[0], manage_key=issued.key), headers=reply.headers, etag=reply.etag)


async def patch(call: Call) -> None:
    """Merge the body onto the monitor, without what an anonymous monitor may not change."""
    tenant_id, monitor_id = call.tenant().tenant_id, call.uuid("monitor_id")
    is_public, rest = read_public(call.body)
    refuse_shared(rest)
    if "check" in rest:
        view = await read_monitor(call, monitor_id)
        refuse_other_target(rest["check"], view.check)
    await change(call, rest)
    if is_public is not None:
        async with call.deps.database.tenant_transaction(tenant_id) as conn:
            await manage_keys.set_public(conn, tenant_id=tenant_id, monitor_id=monitor_id, is_public=is_public)


async def with_public(call: Call, shown: Sequence[MonitorJson]) -> list[MonitorJson]:
    """Monitors of the anonymous tenant with `is_public`; others as they are."""
    if not is_of_the_anonymous(call) or not shown:
        return list(shown)
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await manage_keys.public_among(conn, tenant_id=tenant_id, monitor_ids=[each.id for each in shown])
    return [replace(each, is_public=each.id in found) for each in shown]
