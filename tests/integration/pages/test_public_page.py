"""A page as the public reads it, with the figures of /uptime and nothing of what stays inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from control_plane.domain.pages.public_page import PublicComponent, PublicPage
from control_plane.services.pages.public_incidents import read_public_incident, read_public_incidents
from control_plane.services.pages.read_public_page import page_gate, read_public_page
from control_plane.services.uptime.read_availability import Horizon, read_days, read_uptimes
from control_plane.store import uptime_reads
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support.pages import a_component, a_page, a_past
from tests.support.seed import a_monitor, a_region, a_tenant, new_id

NOW = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)
KEPT = timedelta(days=400)
HORIZON = Horizon(NOW, KEPT)
DECLARE = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, origin, type, severity, state, phase, cause, started_at,
    opened_at, resolved_at, title, public_title, public_description)
VALUES ($1, $2, (SELECT count(*) + 1 FROM incidents), $3, $4, 'down', $5, $6, $7, 'secret cause', $8, $8, $9, $10, $11,
    $12)
"""
COVER = "INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at) VALUES ($1, $2, 'maintenance', now())"
ABOUT = "INSERT INTO incident_monitors (tenant_id, incident_id, monitor_id) VALUES ($1, $2, $3)"
UPDATE = """
INSERT INTO incident_updates (tenant_id, incident_id, id, phase, text, at, actor) VALUES ($1, $2, $3, $4, $5, $6, 'Ann')
"""
PLAN = """
INSERT INTO maintenance_windows (tenant_id, id, number, title, public, monitors, tags, starts_at, ends_at,
    next_starts_at, next_ends_at, write_source)
VALUES ($1, $2, (SELECT count(*) + 1 FROM maintenance_windows), $3, $4, $5, $6, $7, $8, $7, $8, 'api')
"""


class Stage:
    """A tenant with a region and, on demand, pages, components and incidents."""

    def __init__(self, database: Database, tenant_id: TenantId, region: int) -> None:
        self.database, self.tenant_id, self.region = database, tenant_id, region

    async def page(self, slug: str = "acme", **over: object) -> UUID:
        async with self.database.app() as conn:
            return await a_page(conn, self.tenant_id, slug, **over)

    async def component(
        self,
        page_id: UUID,
        name: str,
        *changes: tuple[datetime, str],
        regions_up: int = 0,
        tags: tuple[str, ...] = (),
        **over: object,
    ) -> UUID:
        """The monitor behind a new component."""
        async with self.database.app() as conn:
            url = {"type": "http", "url": "https://internal.example/secret", "headers": {"x-token": "sesame"}}
            monitor_id = await a_monitor(
                conn, self.tenant_id, [self.region], check=url, name="inner name", tags=list(tags)
            )
            await a_past(conn, self.tenant_id, monitor_id, *(changes or [(NOW, "up")]), regions_up=regions_up)
            await a_component(conn, self.tenant_id, page_id, monitor_id, name, **over)
            return monitor_id

    async def incident(
        self,
        *monitors: UUID,
        origin: str = "monitor",
        severity: str = "major",
        public_title: str | None = None,
        started: datetime = NOW - timedelta(hours=1),
        resolved: datetime | None = None,
    ) -> UUID:
        incident_id = new_id()
        state, phase = ("resolved", "resolved") if resolved else ("triggered", "investigating")
        monitor_id = monitors[0] if origin == "monitor" else None
        async with self.database.app() as conn:
            await conn.execute(
                DECLARE, self.tenant_id, incident_id, monitor_id, origin, severity, state, phase, started, resolved,
                "inner title", public_title, "For you" if public_title else None,
            )  # fmt: skip
            if origin == "person":
                await conn.executemany(ABOUT, [(self.tenant_id, incident_id, one) for one in monitors])
        return incident_id

    async def read(self, slug: str = "acme", *, days: int | None = None) -> PublicPage:
        found = await read_public_page(self.database, slug, horizon=HORIZON, days=days)
        assert found is not None
        return found


@pytest.fixture
async def stage(database: Database) -> Stage:
    async with database.app_transaction() as conn:
        tenant_id = await a_tenant(conn)
        return Stage(database, tenant_id, await a_region(conn))


def by_name(page: PublicPage) -> dict[str, PublicComponent]:
    return {component.name: component for component in page.components}


async def test_components_stand_in_order_under_their_headings_with_their_states(stage: Stage) -> None:
    page = await stage.page()
    day = NOW - timedelta(days=1)
    await stage.component(page, "Shop", (day, "up"), group="Web", position=1)
    await stage.component(page, "Search", (day, "down"), regions_up=1, group="Web", position=2)
    await stage.component(page, "Mail", (day, "degraded"), position=3)
    await stage.component(page, "Batch", (day, "down"), group="Back", position=4)
    await stage.component(page, "Fresh", (day, "unknown"), group="Web", position=5)
    found = await stage.read()
    assert [(group.name, [one.name for one in group.components]) for group in found.groups] == [
        ("Web", ["Shop", "Search", "Fresh"]),
        (None, ["Mail"]),
        ("Back", ["Batch"]),
    ]
    states = {name: one.state for name, one in by_name(found).items()}
    assert states == {
        "Shop": "operational",
        "Search": "partial_outage",
        "Mail": "degraded",
        "Batch": "major_outage",
        "Fresh": "no_data",
    }
    assert [group.state for group in found.groups] == ["partial_outage", "degraded", "major_outage"]
    assert found.state == "major_outage"


async def test_a_paused_monitor_has_no_data_and_a_covered_one_is_in_maintenance(stage: Stage) -> None:
    page = await stage.page()
    paused, covered = await stage.component(page, "Paused"), await stage.component(page, "Covered")
    async with stage.database.app() as conn:
        await conn.execute("UPDATE monitors SET enabled = false WHERE id = $1", paused)
        await conn.execute(COVER, stage.tenant_id, covered)
    found = by_name(await stage.read())
    assert (found["Paused"].state, found["Covered"].state) == ("no_data", "maintenance")


async def test_days_and_uptime_are_those_of_the_uptime_api(stage: Stage) -> None:
    page = await stage.page()
    down, up, degraded = (NOW - timedelta(hours=hours) for hours in (92, 71, 24))
    steady = await stage.component(page, "Steady", (NOW - timedelta(days=40), "up"), (down, "down"), (up, "up"))
    late = await stage.component(page, "Late", (NOW - timedelta(days=2), "up"), (degraded, "degraded"))
    found = by_name(await stage.read())
    start = datetime(2026, 2, 20, tzinfo=UTC)
    async with stage.database.tenant(stage.tenant_id) as conn:
        for component, monitor_id in ((found["Steady"], steady), (found["Late"], late)):
            monitors = await uptime_reads.uptime_monitors(conn, tenant_id=stage.tenant_id, monitor_ids=[monitor_id])
            days = await read_days(
                conn, monitors[0], tenant_id=stage.tenant_id, zone=UTC, last=NOW.date(), days=90, horizon=HORIZON
            )
            whole = await read_uptimes(conn, monitors, tenant_id=stage.tenant_id, start=start, end=NOW, horizon=HORIZON)
            assert [(one.day, one.uptime) for one in component.days] == [
                (one.day, one.availability.uptime_pct) for one in days
            ]
            assert component.uptime == whole[monitor_id].uptime_pct
    days_of_steady = found["Steady"].days
    assert (len(days_of_steady), days_of_steady[-1].day) == (90, NOW.date())
    assert {one.state for one in days_of_steady[:49]} == {"no_data"}
    assert [one.state for one in days_of_steady if one.down_s] == ["partial_outage", "major_outage"]


async def test_uptime_and_latency_can_be_left_out_of_a_page_and_of_a_line(stage: Stage) -> None:
    page = await stage.page()
    await stage.component(page, "Shown")
    await stage.component(page, "Hidden", show_uptime=False)
    found = by_name(await stage.read(days=7))
    assert len(found["Shown"].days) == 7
    assert (found["Hidden"].days, found["Hidden"].uptime) == ([], None)
    async with stage.database.app() as conn:
        await conn.execute("UPDATE status_pages SET show_uptime = false")
    assert by_name(await stage.read())["Shown"].days == []


async def test_only_incidents_that_touch_the_page_are_told_and_in_words_for_the_public(stage: Stage) -> None:
    page, other = await stage.page(), await stage.page("other")
    shop, mail = await stage.component(page, "Shop"), await stage.component(page, "Mail")
    elsewhere = await stage.component(other, "Elsewhere")
    await stage.incident(shop)
    titled = await stage.incident(shop, mail, elsewhere, origin="person", public_title="Slow payments")
    await stage.incident(shop, mail, origin="person", severity="minor", started=NOW - timedelta(hours=2))
    await stage.incident(elsewhere)
    async with stage.database.app() as conn:
        await conn.execute(UPDATE, stage.tenant_id, titled, new_id(), "identified", "We know why", NOW)
    found = await stage.read()
    assert {incident.title for incident in found.incidents} == {
        "Shop is down",
        "Slow payments",
        "Shop and 1 more are down",
    }
    told = next(incident for incident in found.incidents if incident.id == titled)
    assert (told.components, told.description) == (["Shop", "Mail"], "For you")
    assert [(update.phase, update.text) for update in told.updates] == [("identified", "We know why")]


async def test_an_open_declared_incident_is_in_the_headers_verdict(stage: Stage) -> None:
    page = await stage.page()
    shop = await stage.component(page, "Shop")
    assert (await stage.read()).state == "operational"
    await stage.incident(shop, origin="person", severity="critical")
    found = await stage.read()
    assert (found.state, by_name(found)["Shop"].state) == ("major_outage", "operational")


async def test_what_ended_before_the_days_of_the_page_is_history(stage: Stage) -> None:
    page = await stage.page(history_days=30)
    shop = await stage.component(page, "Shop", (NOW - timedelta(days=80), "up"))
    old = NOW - timedelta(days=60)
    incident_id = await stage.incident(shop, started=old, resolved=old + timedelta(hours=1))
    assert (await stage.read()).incidents == []
    face = await page_gate(stage.database, "acme")
    assert face is not None
    history = await read_public_incidents(
        stage.database, face, since=old - timedelta(days=1), until=old + timedelta(days=1)
    )
    assert [one.id for one in history] == [incident_id]
    assert await read_public_incident(stage.database, face, new_id()) is None
    told = await read_public_incident(stage.database, face, incident_id)
    assert told is not None
    assert told.resolved_at == old + timedelta(hours=1)


async def test_an_incident_of_another_page_is_not_there(stage: Stage) -> None:
    await stage.page()
    elsewhere = await stage.component(await stage.page("other"), "Elsewhere")
    incident_id = await stage.incident(elsewhere)
    face = await page_gate(stage.database, "acme")
    assert face is not None
    assert await read_public_incident(stage.database, face, incident_id) is None


async def test_public_windows_that_touch_the_page_are_told_and_no_others(stage: Stage) -> None:
    page = await stage.page()
    shop = await stage.component(page, "Shop")
    await stage.component(page, "Mail", tags=("eu",))
    soon, later = NOW + timedelta(days=1), NOW + timedelta(days=1, hours=1)
    async with stage.database.app() as conn:
        for title, public, monitors, tags in (
            ("Disks", True, [shop], []),
            ("Region", True, [], ["eu"]),
            ("Secret", False, [shop], []),
            ("Elsewhere", True, [new_id()], []),
        ):
            await conn.execute(PLAN, stage.tenant_id, new_id(), title, public, monitors, tags, soon, later)
    found = await stage.read()
    told = {one.title: (one.components, one.active, one.starts_at) for one in found.maintenance}
    assert told == {"Disks": (["Shop"], False, soon), "Region": (["Mail"], False, soon)}


@pytest.mark.parametrize("why", ["draft", "suspended", "unknown"])
async def test_what_is_not_public_is_not_there(stage: Stage, why: str) -> None:
    await stage.page(state="draft" if why == "draft" else "published")
    async with stage.database.app() as conn:
        if why == "suspended":
            await conn.execute("UPDATE tenants SET suspended_at = now()")
    slug = "nobodys" if why == "unknown" else "acme"
    assert await read_public_page(stage.database, slug, horizon=HORIZON) is None
    assert await page_gate(stage.database, slug) is None


async def test_nothing_of_the_check_is_in_the_page(stage: Stage) -> None:
    page = await stage.page(password_digest="$argon2id$secret", listed=False)
    shop = await stage.component(page, "Shop")
    await stage.incident(shop)
    found = await stage.read()
    assert (found.protected, found.listed) == (True, False)
    text = msgspec.json.encode(found).decode()
    for secret in ("internal.example", "sesame", "inner name", "inner title", "secret cause", "argon2", str(shop)):
        assert secret not in text


async def test_a_page_is_written_in_its_language(stage: Stage) -> None:
    page = await stage.page(language="de")
    await stage.incident(await stage.component(page, "Laden"))
    found = await stage.read()
    assert (found.language, found.incidents[0].title) == ("de", "Laden ist ausgefallen")
