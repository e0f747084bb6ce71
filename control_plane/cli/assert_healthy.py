"""`farwatch assert-healthy`: a gate for deployments."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import monitor_of
from control_plane.cli.monitor_columns import COLUMNS
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say

AGAIN_S = 2.0
_FINE = ("up", "degraded", "paused", "maintenance")


@click.command("assert-healthy")
@click.argument("monitors", nargs=-1, metavar="[MONITOR]…")
@click.option("--tag", default=None, help="Those with this tag.")
@click.option("--group", default=None, help="Those of this group.")
@click.option("--wait", type=click.IntRange(0, 3600), default=0, show_default=True, help="Seconds to wait for health.")
@click.option("--strict", is_flag=True, help="Unknown is not healthy either.")
@with_output
@with_client
def assert_healthy(
    client: ApiClient,
    monitors: tuple[str, ...],
    *,
    tag: str | None,
    group: str | None,
    wait: int,
    strict: bool,
    output: str,
) -> None:
    """End with 1 when any of these monitors is down: all of them, those named, or those of a tag or group."""
    ids = {monitor_of(client, each) for each in monitors}
    until = time.monotonic() + wait
    while True:
        chosen = [m for m in every_item(client, "/monitors", tag=tag, group=group) if not ids or m["id"] in ids]
        if not chosen:
            say("No monitor is chosen, so nothing proves health. See: farwatch monitors ls", style="red")
            sys.exit(exit_codes.NOT_FOUND)
        bad = [monitor for monitor in chosen if not _is_fine(monitor, strict=strict)]
        left = until - time.monotonic()
        if not bad or left <= 0:
            break
        time.sleep(min(AGAIN_S, left))
    show(bad or chosen, output, columns=COLUMNS)
    if bad:
        remedy = f"farwatch monitors verdict {bad[0]['id']}"
        say(f"{len(bad)} of {len(chosen)} are not healthy. Look with: {remedy}", style="red")
        sys.exit(exit_codes.FAILED)


def _is_fine(monitor: dict[str, Any], *, strict: bool) -> bool:
    shown = monitor["state"]["shown"]
    return shown in _FINE or (shown == "unknown" and not strict)
