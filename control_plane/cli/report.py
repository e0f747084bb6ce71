"""`farwatch report`: a month of every monitor, for people or programs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show
from control_plane.cli.talk import say

COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "NUMBER": lambda line: str(line["number"]),
    "NAME": lambda line: line["name"],
    "UPTIME": lambda line: "" if line["uptime_pct"] is None else f"{line['uptime_pct']:.3f} %",
    "DOWN S": lambda line: str(line["downtime_secs"]),
    "INCIDENTS": lambda line: str(line["incidents"]),
    "SLA": lambda line: (line["sla"] or {}).get("state") or "",
    "P95 MS": lambda line: "" if line["p95_ms"] is None else f"{line['p95_ms']:.1f}",
}


@click.command()
@click.argument("month", required=False)
@click.option("--format", "form", type=click.Choice(("table", "json", "csv", "html")), default="table")
@click.option("--tz", default=None, help="IANA time zone that the month's days are of; default: UTC.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file, instead of standard output.")
@with_client
def report(client: ApiClient, *, month: str | None, form: str, tz: str | None, out: Path | None) -> None:
    """Report on MONTH (2026-11; default: this one): uptime, incidents, SLA and latency of every monitor."""
    path = f"/reports/{month or datetime.now(UTC).strftime('%Y-%m')}"
    if form == "table":
        show(client.get(path, tz=tz)["monitors"], "table", columns=COLUMNS)
        return
    body = client.download(path, format=form, tz=tz)
    if out is None:
        sys.stdout.buffer.write(body)
        return
    out.write_bytes(body)
    say(f"{out}: {len(body)} bytes")
