"""The list of monitors as the overview shows it. Pure: what the URL asks for, groups, and rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from urllib.parse import urlencode

from msgspec import Struct

from control_plane.dashboard.charts.day_bar import DayBar, day_bar
from control_plane.dashboard.monitors.monitor_views import STATES, WORDS, MonitorRow
from control_plane.dashboard.words import count, milliseconds
from control_plane.domain.checks.kinds import SPECS
from control_plane.services.uptime.read_glance import Glance
from control_plane.store.monitor_lists import MonitorFilter
from control_plane.store.overview_read import GroupCount

PAGE_SIZE = 100

SORTS: Mapping[str, str] = {
    "": "Group",
    "attention": "Worst first",
    "name": "Name",
    "-updated_at": "Lately changed",
    "number": "Oldest first",
    "-number": "Newest first",
}
"""What the list may be sorted by, in words. Group after group is what nobody has to ask for."""

_FIELDS = ("q", "state", "group", "tag", "kind", "sort")


class Wanted(Struct, frozen=True, kw_only=True):
    """What the URL asks for."""

    q: str = ""
    state: str = ""
    group: str = ""
    tag: str = ""
    kind: str = ""
    sort: str = ""
    page: int = 1

    def href(self, *, page: int = 1, **changed: str) -> str:
        """The same list otherwise narrowed, or another page of it."""
        asked = {name: changed.get(name, getattr(self, name)) for name in _FIELDS}
        asked["page"] = str(page) if page > 1 else ""
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"/app?{query}" if query else "/app"

    @property
    def is_narrowed(self) -> bool:
        """Whether anything beside the state narrows or orders the list."""
        return bool(self.group or self.tag or self.kind or self.sort)

    @property
    def by_group(self) -> bool:
        return not self.sort

    def filter(self) -> MonitorFilter:
        return MonitorFilter(
            q=self.q or None,
            state=self.state or None,
            group=self.group or None,
            kind=self.kind or None,
            tags=(self.tag,) if self.tag else (),
        )


def read_wanted(field: Callable[[str], str]) -> Wanted:
    """What the fields of a URL ask for, each by its name; what none of them can mean is ignored."""
    state, kind, sort, number = field("state"), field("kind"), field("sort"), field("page")
    return Wanted(
        q=field("q"),
        state=state if state in STATES else "",
        group=field("group"),
        tag=field("tag"),
        kind=kind if kind in SPECS else "",
        sort=sort if sort in SORTS else "",
        page=max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 6 else 1,
    )


class Choice(Struct, frozen=True):
    """A way to narrow the list."""

    state: str
    word: str
    monitors: int
    href: str
    chosen: bool


class OverviewRow(Struct, frozen=True, kw_only=True):
    """A monitor of the list: as everywhere, and its last day at a glance."""

    monitor: MonitorRow
    bar: DayBar
    p95: str
    uptime_day: str
    uptime_month: str


class Group(Struct, frozen=True, kw_only=True):
    """The monitors of a group on this page. `counts`: of the whole group, by state. An empty name: no headings."""

    name: str
    href: str
    counts: tuple[tuple[str, int], ...]
    text: str
    rows: tuple[OverviewRow, ...]


def overview_row(monitor: MonitorRow, glance: Glance, *, latency: str | None) -> OverviewRow:
    """`latency`: what is said of a monitor whose results are not rolled up yet."""
    return OverviewRow(
        monitor=monitor,
        bar=day_bar(glance),
        p95=milliseconds(glance.p95_ms) or latency or "–",
        uptime_day=percent(glance.uptime_day),
        uptime_month=percent(glance.uptime_month),
    )


def percent(value: float | None) -> str:
    """Uptime in words: "100 %", "99.98 %", never rounded up to a hundred; a dash where nothing is known."""
    if value is None:
        return "–"
    return "100 %" if value == 100 else f"{int(value * 100) / 100:.2f} %"


def groups_of(
    rows: Sequence[tuple[str | None, OverviewRow]], counts: Sequence[GroupCount], wanted: Wanted
) -> list[Group]:
    """The rows, each with the name of its group, in their order; under headings where groups are what orders them."""
    if not wanted.by_group or not any(each.group for each in counts):
        return [Group(name="", href="", counts=(), text="", rows=tuple(row for _, row in rows))] if rows else []
    return [_group(name, tuple(row for _, row in run), counts, wanted) for name, run in groupby(rows, key=_name)]


def _name(row: tuple[str | None, OverviewRow]) -> str | None:
    return row[0]


def _group(name: str | None, rows: tuple[OverviewRow, ...], counts: Sequence[GroupCount], wanted: Wanted) -> Group:
    tally = {each.shown: each.monitors for each in counts if each.group == name}
    return Group(
        name=name or "Without a group",
        href=wanted.href(group=name) if name and not wanted.group else "",
        counts=tuple((state, tally[state]) for state in STATES if tally.get(state)),
        text=", ".join(f"{tally[state]} {state}" for state in STATES if tally.get(state)),
        rows=rows,
    )


def tally_of(counts: Sequence[GroupCount]) -> dict[str, int]:
    """How many monitors are shown as what, over all groups."""
    tally: dict[str, int] = {}
    for each in counts:
        tally[each.shown] = tally.get(each.shown, 0) + each.monitors
    return tally


def group_names(counts: Sequence[GroupCount]) -> list[str]:
    """The names of the groups there are, in the order of the list."""
    return sorted({each.group for each in counts if each.group}, key=lambda name: (name.lower(), name))


def choices(wanted: Wanted, tally: Mapping[str, int]) -> list[Choice]:
    """All, and each state that some monitor is in or that is chosen."""
    found = [Choice("", "All", sum(tally.values()), wanted.href(state=""), not wanted.state)]
    states = [state for state in STATES if tally.get(state) or wanted.state == state]
    return found + [
        Choice(state, WORDS[state], tally.get(state, 0), wanted.href(state=state), wanted.state == state)
        for state in states
    ]


def verdict(tally: Mapping[str, int], down: Sequence[str]) -> str:
    """What is wrong by name, where that fits a line. `down`: the monitors that open incidents say are down."""
    named = " and ".join((", ".join(down[:-1]), down[-1]) if len(down) > 1 else down)
    if 0 < len(down) == tally.get("down", 0) and len(named) <= _LINE:
        return f"{named} {'is' if len(down) == 1 else 'are'} down"
    return heading(tally)


_LINE = 60
"""Characters of names that still read as one sentence."""


def heading(tally: Mapping[str, int]) -> str:
    """How things are, in the fewest words."""
    running = {state: tally.get(state, 0) for state in ("down", "degraded", "unknown", "up")}
    everything = sum(running.values())
    wrong = [f"{running[state]} {state}" for state in ("down", "degraded", "unknown") if running[state]]
    if not wrong and everything:
        return f"All {count(everything, 'monitor')} up" if everything > 1 else "Your monitor is up"
    if not everything and tally.get("maintenance"):
        return f"{count(tally['maintenance'], 'monitor')} in maintenance"
    if not everything:
        return "Every monitor is paused" if tally.get("paused") else "Nothing is watched yet"
    return f"{', '.join(wrong)} of {count(everything, 'monitor')}"
