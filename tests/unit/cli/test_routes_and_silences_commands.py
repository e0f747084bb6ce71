"""What `farwatch routes` and `farwatch silences` send and print, against an API that answers what it was told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner

from control_plane.cli.api_client import ApiClient
from control_plane.cli.routes import routes
from control_plane.cli.silences import silences

CHANNEL = "0197c4d2-0000-7000-8000-000000000001"
MATCH: dict[str, Any] = {"severities": ["critical"], "tags": ["prod"], "groups": [], "kinds": [], "monitor_ids": []}
ROUTE = {"id": CHANNEL, "name": "Pager", "match": MATCH, "channel_ids": [CHANNEL], "enabled": True}
SILENCE = {
    "id": CHANNEL,
    "name": "Upgrade",
    "match": {**MATCH, "channel_ids": []},
    "state": "active",
    "starts_at": "2026-05-01T00:00:00Z",
    "ends_at": "2026-05-01T02:00:00Z",
    "created_by": "Vera",
}
WITHHELD = {"type": "silence", "id": CHANNEL, "name": "Upgrade", "until": "2026-05-01T02:00:00Z"}
HEARING = {
    "channel_id": CHANNEL,
    "name": "Phones",
    "kind": "ntfy",
    "withheld": WITHHELD,
    "by": [{"type": "binding", "id": None, "name": None}, {"type": "route", "id": CHANNEL, "name": "Pager"}],
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    calls: list[tuple[str, str, Any]] = []

    def send(_self: ApiClient, method: str, path: str, *, body: Any = None, **_: Any) -> Any:
        calls.append((method, path, body))
        if path == "/routes/preview":
            return {"silent": body["severity"] == "minor", "channels": [HEARING]}
        return SILENCE if path.startswith("/silences") else ROUTE

    monkeypatch.setattr(ApiClient, "send", send)
    return calls


def run(command: click.Group, *arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(command, [*arguments, "--url", "http://127.0.0.1:1", "--key", "k"])
    assert result.exit_code == status, result.output
    return result.output


def test_a_route_is_made_of_what_was_given(sent: list[tuple[str, str, Any]]) -> None:
    said = run(routes, "add", "Pager", "--channel", CHANNEL, "--severity", "critical", "--tag", "prod")
    match = {"severities": ["critical"], "tags": ["prod"]}
    assert sent == [("POST", "/routes", {"name": "Pager", "match": match, "channel_ids": [CHANNEL]})]
    assert "critical, tag prod" in said


def test_a_route_is_changed_in_what_was_given(sent: list[tuple[str, str, Any]]) -> None:
    run(routes, "edit", CHANNEL, "--disable", "--kind", "http", "--patch", '{"events": null}')
    assert sent == [("PATCH", f"/routes/{CHANNEL}", {"events": None, "enabled": False, "match": {"kinds": ["http"]}})]
    run(routes, "edit", CHANNEL, status=2)


def test_a_preview_says_who_hears_by_what_and_what_withholds_it(sent: list[tuple[str, str, Any]]) -> None:
    said = run(routes, "preview", "--tag", "prod")
    assert sent == [("POST", "/routes/preview", {"severity": "major", "tags": ["prod"]})]
    assert "binding, Pager" in said
    assert "silence until 2026-05-01T02:00:00Z" in said
    assert "Nobody would hear of it" in run(routes, "preview", "--severity", "minor")


def test_a_silence_lasts_as_long_as_was_said(sent: list[tuple[str, str, Any]]) -> None:
    run(silences, "add", "Upgrade", "--for", "90m", "--tag", "prod")
    (method, path, body), *_ = sent
    assert (method, path, body["match"]) == ("POST", "/silences", {"tags": ["prod"]})
    wanted = datetime.now(UTC) + timedelta(minutes=90)
    assert abs(datetime.fromisoformat(body["ends_at"]) - wanted) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "given", [[], ["--for", "2"], ["--for", "0h"], ["--for", "2h", "--to", "2026-05-01T00:00:00Z"]], ids=str
)
def test_the_end_of_a_silence_is_said_in_one_way(sent: list[tuple[str, str, Any]], given: list[str]) -> None:
    run(silences, "add", "Upgrade", *given, status=2)
    assert sent == []
