"""The monthly report as a page of its own, to be sent, printed or kept: no script, and nothing is loaded for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
"""What the page needs: its own style element and nothing else."""


class PageLine(Struct, frozen=True):
    """One monitor, in words."""

    name: str
    group: str
    uptime: str
    downtime: str
    incidents: str
    mttr: str
    sla: str
    state: str
    p95: str


class PageNoisy(Struct, frozen=True):
    """A monitor with many incidents, in words."""

    name: str
    incidents: str
    lasted: str


class ReportPage(Struct, frozen=True):
    """The whole page, in words. `figures` are of all monitors together: names and words."""

    title: str
    span: str
    made: str
    figures: Sequence[tuple[str, str]]
    noisiest: Sequence[PageNoisy]
    lines: Sequence[PageLine]


def report_html(page: ReportPage) -> str:
    """The page. Every value is escaped."""
    return _environment().get_template("report.html").render(page=page)


def seconds_in_words(seconds: int | None) -> str:
    """As 1 d 2 h 3 min 4 s without what is zero; a dash for None."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    words = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return ("−" if seconds < 0 else "") + (" ".join(words) or "0 s")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("control_plane.notify"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
