"""Routes between their rows and what people write, and what a body of theirs may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.alerting.notice_match import MAX_CHANNELS, Match, named_ids
from control_plane.domain.channels.route_rules import Known, RouteConfig
from control_plane.store import maintenance, monitors
from control_plane.store.pool import Connection
from control_plane.store.routes import RouteRow, RouteWrite
from shared.ids import TenantId


async def known_of(conn: Connection, *, tenant_id: TenantId, match: object, channel_ids: object) -> Known:
    """Which of the monitors and channels that a body names there are."""
    wanted = named_ids(match.get("monitor_ids")) if isinstance(match, Mapping) else []
    found: set[UUID] = set()
    if wanted:
        found = await maintenance.known_monitors(conn, tenant_id=tenant_id, monitor_ids=wanted)
    named = named_ids(channel_ids, MAX_CHANNELS)
    channels: frozenset[UUID] = frozenset()
    if named:
        channels = await monitors.known_channels(conn, tenant_id=tenant_id, channel_ids=named)
    return Known(monitors=frozenset(found), channels=channels)


def match_of(row: Any) -> Match:
    """The match of a route's or a silence's row."""
    return Match(
        severities=tuple(row.severities),
        tags=tuple(row.tags),
        groups=tuple(row.groups),
        kinds=tuple(row.kinds),
        monitor_ids=tuple(row.monitor_ids),
    )


def config_of(row: RouteRow) -> RouteConfig:
    return RouteConfig(
        name=row.name,
        enabled=row.enabled,
        match=match_of(row),
        events=None if row.events is None else tuple(row.events),
        channel_ids=tuple(row.channel_ids),
        key=row.key,
    )


def row_values(config: RouteConfig, *, write_source: str) -> RouteWrite:
    match = config.match
    return RouteWrite(
        key=config.key,
        name=config.name,
        enabled=config.enabled,
        severities=list(match.severities),
        tags=list(match.tags),
        groups=list(match.groups),
        kinds=list(match.kinds),
        monitor_ids=list(match.monitor_ids),
        events=None if config.events is None else list(config.events),
        write_source=write_source,
        channel_ids=list(config.channel_ids),
    )
