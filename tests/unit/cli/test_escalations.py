"""`--escalate` as a body has it."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from control_plane.cli.api_client import ApiClient
from control_plane.cli.channels import channels
from control_plane.cli.monitors import monitors

MONITOR = "0197c4d2-0000-7000-8000-000000000001"
PAGER, BOSS = ("0197c4d2-0000-7000-8000-00000000000a", "0197c4d2-0000-7000-8000-00000000000b")
STATE = {"shown": "up", "reason": ""}
SHOWN = {"id": MONITOR, "name": "API", "check": {"type": "x"}, "interval": 60, "state": STATE}


def channel(id_: str, number: int, name: str, state: str) -> dict[str, Any]:
    known = {"id": id_, "number": number, "name": name, "kind": "ntfy", "enabled": True, "disabled_reason": None}
    return {**known, "health": {"state": state}}


CHANNELS = [channel(PAGER, 1, "Pager", "ok"), channel(BOSS, 2, "The boss", "not_delivering")]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    bodies: list[Any] = []

    def send(_self: ApiClient, method: str, path: str, *, body: Any = None, **_: Any) -> Any:
        assert (method, path) in (("PATCH", f"/monitors/{MONITOR}"), ("POST", "/monitors"))
        bodies.append(body)
        return SHOWN

    def get(_self: ApiClient, path: str, **_: Any) -> Any:
        assert path == "/channels"
        return {"items": CHANNELS, "total": len(CHANNELS), "limit": 100, "offset": 0}

    monkeypatch.setattr(ApiClient, "send", send)
    monkeypatch.setattr(ApiClient, "get", get)
    return bodies


def run(command: click.Group, *arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(command, [*arguments, "--url", "http://127.0.0.1:1", "--key", "k"])
    assert result.exit_code == status, result.output
    return result.output


def test_steps_go_by_time_and_name_channels_as_people_do(sent: list[Any]) -> None:
    run(monitors, "edit", MONITOR, "--escalate", "1h=The boss,1", "--escalate", f"15m={PAGER}")
    steps = [{"after_s": 900, "channel_ids": [PAGER]}, {"after_s": 3600, "channel_ids": [BOSS, PAGER]}]
    assert sent == [{"escalations": steps}]
    run(monitors, "add", "https://example.com/", "--escalate", "90s=Pager", "--wait", "0")
    assert sent[1]["escalations"] == [{"after_s": 90, "channel_ids": [PAGER]}]


def test_none_takes_the_steps_away(sent: list[Any]) -> None:
    run(monitors, "edit", MONITOR, "--no-escalation")
    assert sent == [{"escalations": []}]
    run(monitors, "edit", MONITOR, "--no-escalation", "--escalate", "1h=Pager", status=2)


@pytest.mark.parametrize(
    ("step", "status"), [("Pager", 2), ("15=Pager", 2), ("15m=", 2), ("15m=Pager,", 2), ("15m=Nobody", 3)]
)
def test_what_is_no_step_is_refused(step: str, status: int, sent: list[Any]) -> None:
    run(monitors, "edit", MONITOR, "--escalate", step, status=status)
    assert sent == []


def test_the_list_of_channels_says_how_each_fares(sent: list[Any]) -> None:
    said = run(channels, "ls")
    assert "HEALTH" in said
    assert "not delivering" in said
    assert sent == []
