"""A monitor's configuration as its page shows it, and who is told. Pure: rows of the store in, words out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.dashboard.monitors.check_facts import Fact, check_facts
from control_plane.dashboard.words import count, interval, moment
from control_plane.domain.checks.regionless import kind_is_regionless
from control_plane.domain.checks.stored_check import read_check
from control_plane.services.alerting.preview_routes import Hearing
from control_plane.store.monitor_reads import MonitorView


class ToldLine(Struct, frozen=True):
    """A channel that hears of the monitor's incidents: by what, and what would hold a notice back now."""

    id: UUID
    name: str
    kind: str
    by: str
    withheld: str


def told_line(hearing: Hearing) -> ToldLine:
    """A channel as the monitor's page names it."""
    ways = [f"the route “{each.name}”" if each.type == "route" else "its own binding" for each in hearing.by]
    rule = hearing.withheld
    withheld = "" if rule is None else f"now withheld by {rule.get('name') or rule['type'].replace('_', ' ')}"
    return ToldLine(hearing.channel_id, hearing.name, hearing.kind, ", ".join(ways), withheld)


def facts(view: MonitorView, *, told: int, now: datetime) -> list[Fact]:
    """The configuration, secrets masked as they are stored. `told`: channels that hear of its incidents."""
    check = read_check(view.check)
    found = [
        *_rhythm(view),
        *(() if check is None else check_facts(check)),
        *_votes(view),
        Fact("Incidents", f"open on {view.alert_on}, severity {view.severity}"),
        Fact("Told", count(told, "channel") if told else "nobody"),
    ]
    optional = {
        "Group": view.group,
        "Tags": ", ".join(view.tags),
        "Owner": view.owner,
        "Key": view.key,
        "Notes": view.notes,
    }
    found += [Fact(name, value) for name, value in optional.items() if value]
    changed = moment(view.updated_at, now)
    return [*found, Fact("Last changed", f"{changed.absolute} by {_SOURCES.get(view.write_source, view.write_source)}")]


def _rhythm(view: MonitorView) -> list[Fact]:
    if kind_is_regionless(view.kind):
        return []
    return [Fact("Check every", f"{interval(view.interval_s)} from {count(len(view.regions), 'region')}")]


def _votes(view: MonitorView) -> list[Fact]:
    if kind_is_regionless(view.kind):
        return []
    taken = f"{count(view.confirmations, 'result')} in a row"
    return [Fact("Down when", _policy(view)), Fact("A region's vote takes", taken)]


_SOURCES = {
    "ui": "the dashboard",
    "api": "the API",
    "cli": "the command line",
    "file": "a configuration file",
    "mcp": "an assistant (MCP)",
    "terraform": "Terraform",
}


def _policy(view: MonitorView) -> str:
    match view.region_policy:
        case "any":
            return "any region says so"
        case "majority":
            return "a majority of its regions says so"
        case "all":
            return "all of its regions say so"
        case _:
            return f"{count(view.region_policy_count or 1, 'region')} say so"
