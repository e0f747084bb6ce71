"""Find the regions that cannot run a monitor's check, so that they are not shown as merely silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import structs

from control_plane.domain.checks.capability import CANNOT, lacking
from control_plane.domain.judging.schedule import vote_window_ms
from control_plane.store import capabilities
from control_plane.store.capabilities import Newest
from control_plane.store.monitor_reads import MonitorView, RegionState
from control_plane.store.pool import Database
from shared.ids import TenantId
from shared.protocol import MAX_FUTURE_MS
from shared.results import OUTCOMES, REASONS, Detail, Outcome, Reason

_ERROR = OUTCOMES.index(Outcome.ERROR)
_INCAPABLE = (OUTCOMES.index(Outcome.ERROR), REASONS.index(Reason.INCAPABLE))


async def find_incapable(database: Database, view: MonitorView, *, tenant_id: TenantId) -> MonitorView:
    """The view, with `incapable` set in each region: the reason in words, or None.

    Only regions whose vote does not count are asked about, so a monitor that is well watched costs nothing more. The
    newest result tells before what agents said of themselves at their start: it is about this very target.
    """
    (view,) = await find_lacking(database, [view])
    quiet = _quiet(view)
    if not quiet:
        return view
    newest = await _newest(database, view, quiet, tenant_id=tenant_id)
    said = {one.region_id: _said(one.detail) for one in newest if (one.outcome, one.reason) == _INCAPABLE}
    view = _with_reasons(view, {region.id: said.get(region.id) or region.incapable or None for region in quiet})
    return _not_judged(view, [one for one in newest if one.outcome == _ERROR])


def _not_judged(view: MonitorView, errors: Sequence[Newest]) -> MonitorView:
    """A monitor without any vote whose results are all our own inability does not wait for its first result."""
    if not errors or view.verdict != "unknown" or any(region.vote for region in view.regions):
        return view
    slugs = {region.id: region.slug for region in view.regions}
    first = min(errors, key=lambda one: one.region_id)
    return structs.replace(view, reason=f"Not judged yet; {slugs[first.region_id]} says: {_said(first.detail)}")


async def find_lacking(database: Database, views: Sequence[MonitorView]) -> list[MonitorView]:
    """The same for a list of monitors, in one statement for all, from what agents said of themselves alone."""
    asked = {region.id for view in views for region in _quiet(view)}
    told = {}
    if asked:
        async with database.app() as conn:
            told = await capabilities.live_capabilities(conn, region_ids=sorted(asked))
    return [
        _with_reasons(view, {region.id: lacking(view.kind, told.get(region.id, ())) for region in _quiet(view)})
        for view in views
    ]


def _quiet(view: MonitorView) -> list[RegionState]:
    """The regions whose vote does not count now; a paused monitor asks none."""
    return [region for region in view.regions if not region.fresh(view.now_ms)] if view.enabled else []


def _with_reasons(view: MonitorView, reasons: Mapping[int, str | None]) -> MonitorView:
    regions = [structs.replace(region, incapable=reasons.get(region.id)) for region in view.regions]
    return structs.replace(view, regions=regions)


async def _newest(
    database: Database, view: MonitorView, quiet: Sequence[RegionState], *, tenant_id: TenantId
) -> list[Newest]:
    window_ms = vote_window_ms(cadence_ms=view.interval_s * 1000, timeout_ms=int(view.check.get("timeout", 0)))
    async with database.tenant(tenant_id) as conn:
        return await capabilities.newest_results(
            conn,
            tenant_id=tenant_id,
            monitor_id=view.id,
            region_ids=[region.id for region in quiet],
            check_version=view.check_version,
            start_ms=view.now_ms - window_ms,
            end_ms=view.now_ms + MAX_FUTURE_MS,
        )


def _said(detail: str | None) -> str:
    return (msgspec.json.decode(detail, type=Detail).message if detail else None) or CANNOT
