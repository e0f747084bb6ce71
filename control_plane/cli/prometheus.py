"""`farwatch metrics` and `farwatch sd`: what Prometheus reads, for a look by hand."""

from __future__ import annotations

import json
import sys

import click

from control_plane.cli.api_client import ApiClient, with_client


@click.command()
@click.option("--tag", default=None)
@click.option("--group", default=None)
@with_client
def metrics(client: ApiClient, tag: str | None, group: str | None) -> None:
    """Print the monitors' metrics in Prometheus' text format."""
    sys.stdout.buffer.write(client.download("/metrics", tag=tag, group=group))


@click.command()
@click.option("--tag", default=None)
@click.option("--group", default=None)
@with_client
def sd(client: ApiClient, tag: str | None, group: str | None) -> None:
    """Print the monitors as Prometheus discovers them over HTTP."""
    click.echo(json.dumps(client.get("/sd/prometheus", tag=tag, group=group), indent=2, ensure_ascii=False))
