"""Waiting for a new monitor's first result, so that one request answers "is it up?"."""

from __future__ import annotations

import time

from control_plane.store import results_read
from control_plane.store.monitor_reads import MonitorView
from control_plane.web.call import Call
from control_plane.web.hub import EVENTS

LOOK_EVERY_S = 0.2
_AHEAD_MS = 60_000


async def wait_for_first_result(call: Call, view: MonitorView, *, wait_s: float) -> bool:
    """Wait up to `wait_s` seconds; True when a result of the monitor is stored."""
    tenant_id = call.tenant().tenant_id
    deadline = time.monotonic() + wait_s
    while True:
        async with call.deps.database.tenant(tenant_id) as conn:
            found = await results_read.any_result(
                conn,
                tenant_id=tenant_id,
                monitor_id=view.id,
                start_ms=view.first_slot - _AHEAD_MS,
                end_ms=view.first_slot + round(wait_s * 1000) + _AHEAD_MS,
            )
        left = deadline - time.monotonic()
        if found or left <= 0:
            return found
        await call.deps.hub.wait(f"{EVENTS}:{tenant_id}", min(left, LOOK_EVERY_S))
