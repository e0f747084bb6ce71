"""`farwatch badges`: the lines that put a monitor's badge into a README or a wiki, and the picture itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qsl
from uuid import UUID

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import monitor_of
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say
from control_plane.domain.pages.badge import LABEL_LIMIT, Style
from control_plane.domain.pages.badge_snippets import BadgeLook, badge_path, snippets
from control_plane.domain.pages.badge_words import PERIODS, BadgeKind

MARKUPS = ("markdown", "html", "asciidoc", "rst", "shields", "url")


@click.command()
@click.argument("monitor")
@click.option("--kind", type=click.Choice(get_args(BadgeKind)), default="status", show_default=True)
@click.option("--style", type=click.Choice(get_args(Style)), default="flat", show_default=True)
@click.option("--period", type=click.Choice(list(PERIODS)), default=None, help="Of uptime (30d) and latency (24h).")
@click.option("--label", default=None, help=f"The left field, up to {LABEL_LIMIT} characters; empty leaves it out.")
@click.option("--token", default="", help="Of a share link, or the link: for a monitor on no page that is open to all.")
@click.option("--format", "markup", type=click.Choice(MARKUPS), default="markdown", show_default=True)
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the picture, an SVG, to this file."
)
@with_client
def badges(
    client: ApiClient,
    monitor: str,
    *,
    kind: str,
    style: str,
    period: str | None,
    label: str | None,
    token: str,
    markup: str,
    save: Path | None,
) -> None:
    """Print what puts a badge of MONITOR into a text; a click on it opens the status page, or what the link shows."""
    monitor_id = UUID(monitor_of(client, monitor))
    token = token.rstrip("/").rpartition("/")[2]
    look = BadgeLook(kind=kind, style=style, period=period or "", label=label, token=token)
    if save is not None:
        path, _, query = badge_path(monitor_id, look).removeprefix(client.prefix).partition("?")
        save.write_bytes(client.download(path, **dict(parse_qsl(query, keep_blank_values=True))))
        say(f"The picture is in {save}.")
        return
    name, leads_to = _shown(client, monitor_id, token)
    lines = snippets(monitor_id, look, origin=client.url, name=name, leads_to=f"{client.url}{leads_to}")
    click.echo(next(each.text for each in lines if each.key == markup))


def _shown(client: ApiClient, monitor_id: UUID, token: str) -> tuple[str, str]:
    """What the monitor is called there, and the path of what shows it. A page calls it by a name of its own."""
    if token:
        return str(client.get(f"/monitors/{monitor_id}")["name"]), f"/m/{token}"
    for page in every_item(client, "/status-pages", state="published"):
        if page["password"] is not None:
            continue
        for line in every_item(client, f"/status-pages/{page['id']}/components"):
            if line["monitor_id"] == str(monitor_id):
                return str(line["name"]), f"/status/{page['slug']}"
    say(
        "Nobody outside would see it: no published page without a password has this monitor. "
        f"Make a link with: farwatch shares add {monitor_id}, and give its --token",
        style="red",
    )
    sys.exit(exit_codes.NOT_FOUND)
