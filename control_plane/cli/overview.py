"""`farwatch overview`: how everything is, at a glance."""

from __future__ import annotations

from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import one_of
from control_plane.cli.output import show, with_output

_BARS = "▁▂▃▄▅▆▇█"

COLUMNS = {
    "MONITORS": lambda one: str(one["monitors"]["total"]),
    "DOWN": lambda one: str(one["states"]["down"]),
    "DEGRADED": lambda one: str(one["states"]["degraded"]),
    "UP": lambda one: str(one["states"]["up"]),
    "UNKNOWN": lambda one: str(one["states"]["unknown"]),
    "UPTIME 24H": lambda one: _percent(one["last_24h"]["uptime_pct"]),
}
LATENCY = {"LAST 24 HOURS": lambda one: _drawn(one["buckets"]), "MONITOR": lambda one: one["monitor_id"]}


@click.command()
@click.option("--latency", "monitors", multiple=True, metavar="MONITOR", help="Draw its last day; repeat for more.")
@with_output
@with_client
def overview(client: ApiClient, monitors: tuple[str, ...], output: str) -> None:
    """Show how many monitors are how, and the uptime of the last day."""
    if not monitors:
        show(client.get("/dashboard/summary"), output, columns=COLUMNS)
        return
    ids = [one_of(client, "/monitors", one, word="monitor", remedy="farwatch monitors ls") for one in monitors]
    show(client.get("/dashboard/sparklines", ids=",".join(ids))["items"], output, columns=LATENCY)


def _percent(value: float | None) -> str:
    return "no data" if value is None else f"{value}%"


def _drawn(buckets: list[dict[str, Any]]) -> str:
    """A bar for each hour, as high as its median; x where it was down, a dot where nothing is known."""
    largest = max((bucket["p50"] or 0 for bucket in buckets), default=0) or 1
    return "".join(_bar(bucket, largest) for bucket in buckets)


def _bar(bucket: dict[str, Any], largest: float) -> str:
    if bucket["outcome"] == "down":
        return "x"
    if bucket["p50"] is None:
        return "·"
    return _BARS[min(int(bucket["p50"] / largest * len(_BARS)), len(_BARS) - 1)]
