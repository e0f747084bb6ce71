"""`farwatch tail`: what is decided, as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click
import httpx

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import monitor_of
from control_plane.cli.output import printable
from control_plane.cli.talk import say

RETRY_S = 3.0


@click.command()
@click.option("--event", "events", multiple=True, help="Only events of this name; repeat for more.")
@click.option("--monitor", default=None, help="Of one monitor, by id, number or name.")
@click.option("--checks", is_flag=True, help="Every completed check and every ping too.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@with_client
def tail(client: ApiClient, events: tuple[str, ...], *, monitor: str | None, checks: bool, output: str) -> None:
    """Follow the events of the tenant until Ctrl-C. A lost connection is taken up where it broke off."""
    seen = _Seen(f"/monitors/{monitor_of(client, monitor)}/events" if monitor else "/events")
    while True:
        try:
            _print_connection(client, seen, output, lambda event: _wanted(event, events, checks))
        except httpx.HTTPError as error:
            say(f"The stream broke off ({error or type(error).__name__}); trying again …", style="yellow")
            time.sleep(RETRY_S)
        except KeyboardInterrupt:
            return


@dataclass
class _Seen:
    """Where the next connection takes up the stream."""

    path: str
    last_id: str = ""


def _print_connection(client: ApiClient, seen: _Seen, output: str, wanted: Callable[[str], bool]) -> None:
    for event, data, event_id in follow(client, seen.last_id, path=seen.path):
        seen.last_id = event_id
        if wanted(event):
            click.echo(line_of(event, data, output))


def follow(client: ApiClient, last_id: str, *, path: str = "/events") -> Iterator[tuple[str, str, str]]:
    """(event, data, last id) for each event of one connection."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with client.streaming() as http, http.stream("GET", f"/api/v1{path}", headers=headers) as response:
        if not response.is_success:
            response.read()
            client.refused(response)
        event, data = "message", ""
        for line in response.iter_lines():
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "id":
                    last_id = value
                case "event":
                    event = value
                case "data":
                    data = value
                case "" if not line and data:
                    yield event, data, last_id
                    event, data = "message", ""


def _wanted(event: str, events: tuple[str, ...], checks: bool) -> bool:
    if events:
        return event in events
    return checks or event not in ("check.completed", "heartbeat.pinged")


def line_of(event: str, data: str, output: str) -> str:
    """An event as one line; `data` is its JSON."""
    value = json.loads(data)
    if output == "json":
        return json.dumps({"event": event, "data": value}, ensure_ascii=False)
    return f"{time.strftime('%H:%M:%S')}  {event:<22} {_words(event, value)}".rstrip()


def _words(event: str, value: dict[str, Any]) -> str:
    """What a person wants to read of an event, on one line."""
    if event == "check.completed":
        total = f" in {value['total']:.0f} ms" if value.get("total") is not None else ""
        reason = f": {value['reason']}" if value.get("reason") not in (None, "none") else ""
        return (
            f"{value.get('monitor_id', '')}  {value.get('outcome', '')} from {value.get('region', '')}{total}{reason}"
        )
    monitor = value.get("monitor") or {}
    words = value.get("reason") or value.get("verdict") or _of_certificate(value)
    return printable(f"{monitor.get('name', '')}  {words}")


def _of_certificate(value: dict[str, Any]) -> str:
    if "fingerprint" not in value:
        return ""
    return f"another certificate from {value.get('region')}: {value.get('subject')}, until {value.get('not_after')}"
