"""What `farwatch tenant` sends and prints, against an API that answers what it was told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from control_plane.cli import tenant
from control_plane.cli.api_client import ApiClient

TENANT: dict[str, Any] = {
    "id": "0197c4d2-0000-7000-8000-000000000001",
    "name": "Acme",
    "plan": {"name": "free", "features": {}, "rates": {}},
    "usage": {"keys": {"used": 3, "limit": 10}, "region_agents": {"used": None, "limit": None}},
    "created_at": "2026-05-01T00:00:00Z",
    "updated_at": "2026-05-01T00:00:00Z",
    "revision": 1,
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    calls: list[tuple[str, str, Any]] = []

    def send(_self: ApiClient, method: str, path: str, *, body: Any = None, **_: Any) -> Any:
        calls.append((method, path, body))
        return TENANT | (body or {})

    monkeypatch.setattr(ApiClient, "send", send)
    return calls


def run(*arguments: str) -> str:
    result = CliRunner().invoke(tenant.tenant, [*arguments, "--url", "http://127.0.0.1:1", "--key", "k"])
    assert result.exit_code == 0, result.output
    return result.output


def test_show_prints_the_name_and_the_plan(sent: list[tuple[str, str, Any]]) -> None:
    assert run("show").splitlines()[1].split()[:2] == ["Acme", "free"]
    assert sent == [("GET", "/tenant", None)]


def test_usage_prints_each_quota(sent: list[tuple[str, str, Any]]) -> None:
    assert [line.split() for line in run("usage").splitlines()[1:]] == [["keys", "3", "10"], ["region_agents", "none"]]
    assert json.loads(run("usage", "-o", "json"))[0] == {"id": "keys", "used": 3, "limit": 10}
    assert len(sent) == 2


def test_rename_sends_the_name(sent: list[tuple[str, str, Any]]) -> None:
    assert "Acme & Co" in run("rename", "Acme & Co")
    assert sent == [("PATCH", "/tenant", {"name": "Acme & Co"})]
