"""`farwatch export`: the whole configuration as a file to keep in git."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.talk import say


@click.command()
@click.option(
    "-o", "--output", type=click.Choice(("yaml", "json", "csv")), default="yaml", show_default=True, help="The form."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file, instead of standard output.")
@with_client
def export(client: ApiClient, output: str, out: Path | None) -> None:
    """Write the configuration as a file: channels, monitors, routes, maintenance, status pages; without secrets.

    csv lists the monitors for a spreadsheet. Hold a file against what is there with: farwatch plan FILE"""
    body = client.download("/export", format=output)
    if out is None:
        sys.stdout.buffer.write(body)
        return
    out.write_bytes(body)
    say(f"{out}: {len(body)} bytes")
