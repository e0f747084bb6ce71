"""Whom the database finds for an incident is whom an independent reading of bindings and routes finds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.alerting.notice_match import Match, Traits, matches
from control_plane.services.installation.identity import new_id
from control_plane.store import notices, routes
from control_plane.store.pool import Connection, Database
from control_plane.store.routes import RouteWrite
from shared.ids import TenantId
from tests.support import seed

TAGS = ("prod", "web", "db", "eu west")
GROUPS = ("Shop", "Back office", None)
KINDS = ("http", "tcp", "dns")
SEVERITIES = ("minor", "major", "critical")
EVENTS = (None, ["incident.opened"], ["incident.resolved"], ["incident.opened", "incident.resolved"])
CHANNEL = """
INSERT INTO channels (tenant_id, id, number, name, kind, config, enabled, write_source)
VALUES ($1, $2, $3, $3::bigint::text, 'webhook', '{}', $4, 'api')
"""
BIND = "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id, events) VALUES ($1, $2, $3, $4)"
TRAITS = 'UPDATE monitors SET tags = $2, "group" = $3, kind = $4 WHERE id = $1'


class World:
    """One tenant's monitors, channels, bindings and routes, drawn at random."""

    def __init__(self, seed_: int) -> None:
        self.draw = random.Random(seed_)
        self.traits: dict[UUID, Traits] = {}
        self.enabled: dict[UUID, bool] = {}
        self.bindings: list[tuple[UUID, UUID, list[str] | None]] = []
        self.routes: list[RouteWrite] = []

    def some(self, among: Sequence[Any], most: int = 2) -> list[Any]:
        return self.draw.sample(list(among), self.draw.choice((0, 0, *range(1, most + 1))))

    async def make(self, conn: Connection, tenant_id: TenantId, region_id: int) -> None:
        for number in range(1, 7):
            channel_id = new_id()
            self.enabled[channel_id] = self.draw.random() < 0.8
            await conn.execute(CHANNEL, tenant_id, channel_id, number, self.enabled[channel_id])
        for number in range(8):
            monitor_id = await seed.a_monitor(conn, tenant_id, [region_id], number=number + 1, name=f"m{number}")
            traits = Traits(
                id=monitor_id,
                kind=self.draw.choice(KINDS),
                tags=tuple(self.some(TAGS)),
                group=self.draw.choice(GROUPS),
            )
            await conn.execute(TRAITS, monitor_id, list(traits.tags), traits.group, traits.kind)
            self.traits[monitor_id] = traits
            for channel_id in self.some(list(self.enabled)):
                binding = (monitor_id, channel_id, self.draw.choice(EVENTS))
                self.bindings.append(binding)
                await conn.execute(BIND, tenant_id, *binding)
        for number in range(10):
            write = self.route(number)
            self.routes.append(write)
            await routes.insert_route(conn, tenant_id=tenant_id, route_id=new_id(), write=write)

    def route(self, number: int) -> RouteWrite:
        return RouteWrite(
            key=None,
            name=f"r{number}",
            enabled=self.draw.random() < 0.85,
            severities=self.some(SEVERITIES),
            tags=self.some(TAGS),
            groups=self.some([group for group in GROUPS if group]),
            kinds=self.some(KINDS),
            monitor_ids=self.some(list(self.traits), 4) if self.draw.random() < 0.3 else [],
            events=self.draw.choice(EVENTS),
            write_source="api",
            channel_ids=self.some(list(self.enabled), 3),
        )

    def judged(self, monitor_id: UUID | None, severity: str, event: str) -> set[UUID]:
        """Whom the incident is told to, read from bindings and routes one by one."""
        found = {c for m, c, events in self.bindings if m == monitor_id and (events is None or event in events)}
        monitor = None if monitor_id is None else self.traits[monitor_id]
        for write in self.routes:
            match = Match(
                severities=tuple(write.severities),
                tags=tuple(write.tags),
                groups=tuple(write.groups),
                kinds=tuple(write.kinds),
                monitor_ids=tuple(write.monitor_ids),
            )
            wanted = write.enabled and (write.events is None or event in write.events)
            if wanted and matches(match, severity=severity, monitor=monitor):
                found |= set(write.channel_ids)
        return {channel_id for channel_id in found if self.enabled[channel_id]}


@pytest.mark.parametrize("seed_", range(12))
async def test_bindings_and_matching_routes_once_each(database: Database, seed_: int) -> None:
    world = World(seed_)
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
        await world.make(conn, tenant_id, await seed.a_region(conn, "eu"))
        for event in ("incident.opened", "incident.resolved"):
            asked: list[UUID | None] = [*world.traits, None]
            severities = [world.draw.choice(SEVERITIES) for _ in asked]
            targets = await notices.channels_bound(
                conn, tenant_id=tenant_id, monitor_ids=asked, severities=severities, event=event
            )
            pairs = [(target.monitor_id, target.channel_id) for target in targets]
            assert len(pairs) == len(set(pairs)), "each channel once for each monitor"
            for monitor_id, severity in zip(asked, severities, strict=True):
                told = {channel_id for about, channel_id in pairs if about == monitor_id}
                assert told == world.judged(monitor_id, severity, event)
