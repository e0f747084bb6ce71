"""`--escalate` of monitors: whom an incident is told when nobody acknowledges it, step by step."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from control_plane.cli.api_client import ApiClient
from control_plane.cli.finding import one_of

F = TypeVar("F", bound=Callable[..., Any])

_STEP = re.compile(r"(\d{1,7})([smhd])=(.+)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_HELP = "Tell these channels too if nobody acknowledges for so long: 15m=Pager,Boss; repeat for more steps."


def with_escalations(function: F) -> F:
    """Give the command `--escalate`, which fills `escalate`."""
    return click.option("--escalate", multiple=True, metavar="AFTER=CHANNEL[,CHANNEL]", help=_HELP)(function)


def escalations_of(client: ApiClient, steps: Sequence[str]) -> list[dict[str, Any]]:
    """The steps as a body has them, the earliest first; channels by id, number or name.

    Ends the program where a channel is not there; raises UsageError for what is no step.
    """
    read = sorted((_read(step) for step in steps), key=lambda step: step[0])
    return [{"after_s": after_s, "channel_ids": [_channel(client, name) for name in names]} for after_s, names in read]


def _read(step: str) -> tuple[int, list[str]]:
    found = _STEP.fullmatch(step.strip())
    names = [name.strip() for name in found[3].split(",")] if found else []
    if found is None or not all(names):
        raise click.UsageError(f"--escalate {step}: AFTER=CHANNEL, such as 15m=Pager or 1h=Pager,Boss")
    return int(found[1]) * _UNITS[found[2]], names


def _channel(client: ApiClient, name: str) -> str:
    return one_of(client, "/channels", name, word="channel", remedy="farwatch channels ls")
