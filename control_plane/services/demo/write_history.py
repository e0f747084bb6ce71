"""Give a demo its past, in one transaction: whoever looks sees 90 days or nothing of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.services.demo import story
from control_plane.services.demo.heartbeat_past import write_heartbeats
from control_plane.services.demo.incident_past import write_incidents
from control_plane.services.demo.pace import PACES
from control_plane.services.demo.samples import Pair, Samples, hour_before, hours_of
from control_plane.services.demo.story import Spell
from control_plane.services.demo.timeline import (
    Stretch,
    Told,
    composite,
    composite_incidents,
    incidents,
    stretches,
)
from control_plane.services.installation.identity import new_id
from control_plane.services.uptime.roll_up import CHECK_DELAY_MS, DELAY_MS, NOBODY, recompute
from control_plane.store import decisions, demo_history, rollups, tenants
from control_plane.store.demo_history import DemoMonitor
from control_plane.store.pool import Connection, Database
from control_plane.store.rollups import FINE_MS, HOUR_MS
from shared.clock import to_unix_ms

_RAW_HOURS, _FINE_HOURS = 5, 60
"""For so long single results are written, and before them slices of five minutes: what charts read of such times."""
_LEAST_PERIOD_S = 60


class Composite(Struct, frozen=True):
    """A composite of these members, by key."""

    members: tuple[str, ...]
    at_least: int


class Past(Struct, frozen=True, kw_only=True):
    """All that is derived from the story, by monitor's key."""

    now: datetime
    since: Mapping[str, datetime]
    spells: Mapping[str, Sequence[Spell]]
    stretches: Mapping[str, Sequence[Stretch]]
    told: Sequence[Told]


async def write_history(database: Database, *, composites: Mapping[str, Composite], home: str) -> bool:
    """Write the past of the installation's first tenant, which is reached at `home`. False when it has it already."""
    now = datetime.now(UTC).replace(microsecond=0)
    async with database.owner() as conn, conn.transaction():
        if not await demo_history.mark(conn, at=now):
            return False
        tenant_id = await tenants.first(conn)
        monitors = await demo_history.find_monitors(conn, tenant_id=tenant_id)
        regions = await demo_history.find_regions(conn, tenant_id=tenant_id)
        past = imagine(monitors, composites, now=now)
        people = [(new_id(), email, name, role) for name, email, role in story.PEOPLE]
        await demo_history.add_people(conn, people, tenant_id=tenant_id, at=begins(now))
        made = [(tenant_id, monitors[key].id, since) for key, since in past.since.items()]
        await demo_history.set_made(conn, made, at=begins(now) - timedelta(days=1))
        await _write_results(conn, monitors, regions, past, tenant_id=tenant_id)
        await _write_work(conn, monitors, past, tenant_id=tenant_id)
        await _write_verdicts(conn, monitors, past, tenant_id=tenant_id)
        await write_incidents(conn, monitors, past.told, tenant_id=tenant_id, home=home)
        await write_heartbeats(conn, monitors, past.spells, tenant_id=tenant_id, now=now)
    return True


def begins(now: datetime) -> datetime:
    """When the demo's monitors were made: 90 whole days of any time zone lie behind it."""
    return (now - timedelta(days=story.DAYS + 2)).replace(hour=9, minute=0, second=0, microsecond=0)


def imagine(monitors: Mapping[str, DemoMonitor], composites: Mapping[str, Composite], *, now: datetime) -> Past:
    """Everything that follows from the story for these monitors. Pure."""
    spells: dict[str, list[Spell]] = {key: [] for key in monitors}
    for spell in [*story.spells(), _expiring()]:
        spells[spell.key].append(spell)
    since = {key: max(begins(now), now - timedelta(days=story.YOUNG.get(key, 999))) for key in monitors}
    told: dict[str, Sequence[Stretch]] = {
        key: stretches(key, [s for s in spells[key] if not s.outvoted], since=since[key], now=now)
        for key in monitors
        if key not in composites
    }
    opened = [one for key in told for one in incidents(key, spells[key], now=now)]
    for key, each in composites.items():
        members = {monitors[member].name: told[member] for member in each.members}
        told[key] = composite(members, at_least=each.at_least)
        opened += composite_incidents(key, told[key], story.WORK, now=now)
    in_order = sorted(opened, key=lambda one: one.opened_at)
    return Past(now=now, since=since, spells=spells, stretches=told, told=in_order)


def _expiring() -> Spell:
    key, days = story.EXPIRING
    return Spell(
        key=key,
        days=days,
        at="06:00",
        minutes=(days + 2) * 1440,
        verdict="degraded",
        message="The certificate expires soon",
        reason="expiring",
    )


async def _write_results(
    conn: Connection,
    monitors: Mapping[str, DemoMonitor],
    regions: Mapping[str, tuple[int, int]],
    past: Past,
    *,
    tenant_id: UUID,
) -> None:
    raw_ms, fine_ms = hour_before(past.now, hours=_RAW_HOURS), hour_before(past.now, hours=_FINE_HOURS)
    pairs: list[tuple[UUID, int]] = []
    for key in PACES.keys() & monitors.keys():
        monitor = monitors[key]
        for slug, region in regions.items():
            period_ms = max(monitor.interval_s, _LEAST_PERIOD_S) * 1000
            pair = Pair(key, slug, period_ms, past.since[key], past.spells[key])
            samples = Samples(pair, now=past.now)
            start_ms = to_unix_ms(past.since[key]) // HOUR_MS * HOUR_MS
            ids = demo_history.PairIds(tenant_id, monitor.id, region[0])
            fine = list(samples.slices(max(fine_ms, start_ms), raw_ms, width_ms=FINE_MS))
            await demo_history.copy_slices(conn, "fine", fine, ids)
            older = samples.slices(start_ms, fine_ms, width_ms=HOUR_MS)
            await demo_history.copy_slices(conn, "hourly", [*older, *hours_of(fine)], ids)
            results = samples.results(raw_ms, to_unix_ms(past.now))
            await demo_history.copy_results(conn, results, tenant_id=tenant_id, monitor=monitor, region=region)
            pairs.append((monitor.id, region[0]))
    await recompute(conn, pairs, since_ms=raw_ms, until_ms=to_unix_ms(past.now))
    await _say_rolled_up(conn, to_unix_ms(past.now))


async def _say_rolled_up(conn: Connection, now_ms: int) -> None:
    """Let the walks go on from here, so that charts read the past's rollups from the first look on."""
    await rollups.begin_walks(conn, since_ms=now_ms // HOUR_MS * HOUR_MS)
    for name in rollups.WALKS:
        width = FINE_MS if name == "fine" else HOUR_MS
        delay = CHECK_DELAY_MS if name == "check" else DELAY_MS
        await rollups.save_walk(conn, name, rollups.Walk((now_ms - delay) // width * width, None, NOBODY))


async def _write_work(conn: Connection, monitors: Mapping[str, DemoMonitor], past: Past, *, tenant_id: UUID) -> None:
    """Planned work that is over, and the time of a monitor that was switched off."""
    last = await demo_history.take_window_numbers(conn, tenant_id=tenant_id, count=len(story.WORK))
    windows: list[demo_history.Row] = []
    occurrences: list[demo_history.Row] = []
    periods: list[demo_history.Row] = []
    for number, work in enumerate(story.WORK, last - len(story.WORK) + 1):
        window_id, since, until = new_id(), work.begins(past.now), work.ends(past.now)
        ids = [monitors[key].id for key in work.keys]
        words = (work.title, work.description, True, ids)
        planned = since - timedelta(days=6)
        windows.append((tenant_id, window_id, number, *words, since, until, until, "ui", planned, planned))
        occurrences.append((tenant_id, window_id, since, until))
        periods += [(tenant_id, each, "maintenance", since, until, window_id, work.title) for each in ids]
    key, days = story.PAUSED
    periods.append((tenant_id, monitors[key].id, "paused", past.now - timedelta(days=days), None, None, None))
    await demo_history.copy_rows(conn, "maintenance_windows", _WINDOW, windows)
    await demo_history.copy_rows(conn, "maintenance_occurrences", _OCCURRENCE, occurrences)
    await demo_history.copy_rows(conn, "monitor_periods", _PERIOD, periods)


_WINDOW = (
    *("tenant_id", "id", "number", "title", "description", "public", "monitors"),
    *("starts_at", "ends_at", "ended_at", "write_source", "created_at", "updated_at"),
)
_OCCURRENCE = ("tenant_id", "window_id", "starts_at", "ends_at")
_PERIOD = ("tenant_id", "monitor_id", "kind", "starts_at", "ends_at", "window_id", "title")


async def _write_verdicts(
    conn: Connection, monitors: Mapping[str, DemoMonitor], past: Past, *, tenant_id: UUID
) -> None:
    """Every change of verdict, numbered in order. Where each monitor stands now is left to be judged."""
    changes = sorted(
        (stretch.since, key, before.verdict if before else "unknown", stretch)
        for key, each in past.stretches.items()
        for before, stretch in zip((None, *each), each, strict=False)
    )
    numbers = await decisions.take_numbers(conn, tenant_id=tenant_id, events=len(changes), incidents=0, deliveries=0)
    first = numbers.events - len(changes) + 1
    rows = [
        (tenant_id, monitors[key].id, at, first + n, previous, stretch.verdict, stretch.reason)
        for n, (at, key, previous, stretch) in enumerate(changes)
    ]
    await decisions.append_transitions(conn, rows)
