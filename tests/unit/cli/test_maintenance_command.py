"""What `farwatch maintenance` sends and prints, against an API that answers what it was told."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from control_plane.cli import maintenance
from control_plane.cli.api_client import ApiClient

WINDOW: dict[str, Any] = {
    "id": "0197c4d2-0000-7000-8000-000000000001",
    "title": "Upkeep",
    "write_source": "file",
    "state": "planned",
    "all": False,
    "monitors": [],
    "tags": ["db"],
    "cron": "0 2 * * *",
    "rrule": None,
    "duration": 3600,
    "timezone": "UTC",
    "starts_at": "2026-05-01T00:00:00Z",
    "ends_at": None,
    "next": [{"starts_at": "2026-05-02T02:00:00Z", "ends_at": "2026-05-02T03:00:00Z"}],
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    calls: list[tuple[str, str, Any]] = []

    def send(_self: ApiClient, method: str, path: str, *, body: Any = None, **_: Any) -> Any:
        calls.append((method, path, body))
        return {"items": [WINDOW], "total": 1} if (method, path) == ("GET", "/maintenance") else WINDOW

    monkeypatch.setattr(ApiClient, "send", send)
    return calls


def run(*arguments: str) -> str:
    result = CliRunner().invoke(maintenance.maintenance, [*arguments, "--url", "http://127.0.0.1:1", "--key", "k"])
    assert result.exit_code == 0, result.output
    return result.output


def test_create_sends_what_was_given_and_nothing_else(sent: list[tuple[str, str, Any]]) -> None:
    run("create", "Upkeep", "--tag", "db", "--cron", "0 2 * * *", "--duration", "3600")
    body = {"title": "Upkeep", "all": False, "public": False, "tags": ["db"], "cron": "0 2 * * *", "duration": 3600}
    assert sent == [("POST", "/maintenance", body)]


def test_a_window_is_named_by_title(sent: list[tuple[str, str, Any]]) -> None:
    run("end", "Upkeep")
    run("delete", "Upkeep")
    assert [call[:2] for call in sent if call[0] != "GET"] == [
        ("POST", f"/maintenance/{WINDOW['id']}/end"),
        ("DELETE", f"/maintenance/{WINDOW['id']}"),
    ]


def test_list_and_show_print_when_and_what(sent: list[tuple[str, str, Any]]) -> None:
    assert "0 2 * * * for 3600 s, UTC" in run("list")
    assert "2026-05-02T02:00:00Z" in run("show", "Upkeep")
    assert sent
