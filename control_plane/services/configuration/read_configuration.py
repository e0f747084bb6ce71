"""Read all that a tenant configures, in one snapshot, with the words that a file has for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.configuration.config_names import Names, suggested_keys
from control_plane.domain.configuration.config_pages import Placed
from control_plane.domain.monitors.monitor_rules import MonitorConfig
from control_plane.domain.monitors.region_choice import RegionChoice
from control_plane.domain.safety.safety_gate import OPEN_GATE, Gate
from control_plane.domain.tenants.plan import NO_LIMITS, PlanTerms
from control_plane.services.monitors.monitor_rows import masked_check, stored_config
from control_plane.services.pages.page_rows import component_of
from control_plane.services.safety.read_gate import read_gate
from control_plane.store import assignments_write, configuration, maintenance_advance, page_configuration, plans, routes
from control_plane.store.channels import ChannelRow
from control_plane.store.maintenance import WindowRow
from control_plane.store.monitors import BindingRow, MonitorRow
from control_plane.store.page_components import ComponentRow
from control_plane.store.pool import Connection
from control_plane.store.routes import RouteRow
from control_plane.store.status_pages import PageRow
from shared.ids import TenantId


class Stored(Struct, frozen=True, kw_only=True):
    """A tenant's configuration at one instant. `fingerprint` tells it from what it was before and will be after.

    `terms` and `gate`: what its plan allows, and what the operator's rules forbid. `proven`: the domains that are
    proven to be its own; None where that cannot be known.
    """

    tenant_id: TenantId
    now: datetime
    fingerprint: str
    regions: tuple[RegionChoice, ...]
    terms: PlanTerms = NO_LIMITS
    gate: Gate = OPEN_GATE
    monitors: Sequence[MonitorRow]
    bindings: Mapping[UUID, Sequence[BindingRow]]
    upstreams: Mapping[UUID, Sequence[UUID]]
    channels: Sequence[ChannelRow]
    windows: Sequence[WindowRow]
    routes: Sequence[RouteRow] = ()
    pages: Sequence[PageRow] = ()
    components: Mapping[UUID, Sequence[ComponentRow]] = {}
    proven: Collection[str] | None = None

    def config(self, row: MonitorRow, check: MonitorCheck | None = None) -> MonitorConfig:
        """The configuration in force of one of the monitors; its check is masked unless it is given."""
        return stored_config(
            row,
            check=check or masked_check(row),
            bindings=self.bindings.get(row.id, ()),
            regions=self.regions,
            depends_on=self.upstreams.get(row.id, ()),
        )


async def read_configuration(conn: Connection, *, tenant_id: TenantId) -> Stored:
    """All of it. In a transaction of its own isolation the caller sees one snapshot; without, the fingerprint tells."""
    regions = await assignments_write.visible_regions(conn, tenant_id=tenant_id)
    return Stored(
        tenant_id=tenant_id,
        fingerprint=await configuration.fingerprint(conn, tenant_id=tenant_id),
        now=await maintenance_advance.clock(conn),
        terms=await plans.read_terms(conn, tenant_id=tenant_id),
        gate=await read_gate(conn, tenant_id=tenant_id),
        regions=tuple(
            RegionChoice(
                id=row.id,
                slug=row.slug,
                private=row.tenant_id is not None,
                enabled=row.enabled,
                selected_by_default=row.selected_by_default,
            )
            for row in regions
        ),
        monitors=await configuration.all_monitors(conn, tenant_id=tenant_id),
        bindings=await configuration.all_bindings(conn, tenant_id=tenant_id),
        upstreams=await configuration.all_upstreams(conn, tenant_id=tenant_id),
        channels=await configuration.all_channels(conn, tenant_id=tenant_id),
        windows=await configuration.unended_windows(conn, tenant_id=tenant_id),
        routes=await routes.routes(conn, tenant_id=tenant_id),
        pages=await page_configuration.all_pages(conn, tenant_id=tenant_id),
        components=await page_configuration.all_components(conn, tenant_id=tenant_id),
        proven=await page_configuration.proven_domains(conn, tenant_id=tenant_id),
    )


def names_of(stored: Stored, *, wanted: Mapping[UUID, str] | None = None) -> Names:
    """The words for what is stored; objects without a key have the one that is suggested for them.

    `wanted`: keys that a file gives to monitors, stored or to come. They go before those that are stored.
    """
    given = wanted or {}
    keys = {row.id: row.key for row in stored.monitors if row.key is not None} | dict(given)
    unnamed = [(row.id, row.name) for row in stored.monitors if row.id not in keys]
    ids = {str(one): one for one in (*(row.id for row in stored.monitors), *given)}
    return Names(
        regions=stored.regions,
        key_of=keys | suggested_keys(unnamed, taken=set(keys.values()), word="monitor"),
        monitors=ids | {key: one for one, key in keys.items()} | {key: one for one, key in given.items()},
        channel_name_of={row.id: row.name for row in stored.channels},
        channels={row.name: row.id for row in stored.channels},
    )


def window_keys(stored: Stored) -> dict[UUID, str]:
    """The key of each window, stored or suggested."""
    keys = {row.id: row.key for row in stored.windows if row.key is not None}
    unnamed = [(row.id, row.title) for row in stored.windows if row.id not in keys]
    return keys | suggested_keys(unnamed, taken=set(keys.values()), word="window")


def route_keys(stored: Stored) -> dict[UUID, str]:
    """The key of each route, stored or suggested."""
    keys = {row.id: row.key for row in stored.routes if row.key is not None}
    unnamed = [(row.id, row.name) for row in stored.routes if row.id not in keys]
    return keys | suggested_keys(unnamed, taken=set(keys.values()), word="route")


def page_keys(stored: Stored) -> dict[UUID, str]:
    """The key of each status page, stored or suggested: its slug."""
    keys = {row.id: row.key for row in stored.pages if row.key is not None}
    unnamed = [(row.id, row.slug) for row in stored.pages if row.id not in keys]
    return keys | suggested_keys(unnamed, taken=set(keys.values()), word="page")


def placed_on(stored: Stored, page_id: UUID) -> list[Placed]:
    """The components of a stored page, in its order."""
    return [Placed(row.monitor_id, component_of(row)) for row in stored.components.get(page_id, ())]
