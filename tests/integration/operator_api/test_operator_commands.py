"""`farwatch operator …` against a served control plane."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.serving import OPERATOR_SECRET, ControlPlane

Run = Callable[..., Awaitable[str]]


@pytest.fixture
def run(served: ControlPlane, tmp_path: Path) -> Run:
    """Runs `farwatch operator …`; returns what it says on stdout, or else on stderr."""
    (tmp_path / "secret").write_text(OPERATOR_SECRET + "\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith("FARWATCH_")}
    env |= {
        "HOME": str(tmp_path),
        "FARWATCH_CLI__URL": f"http://{served.host}:{served.port}",
        "FARWATCH_OPERATOR__SECRET_FILE": str(tmp_path / "secret"),
    }

    async def command(*words: str, ends: int = 0, **over: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", "operator", *words,
            env=env | over, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == ends, err.decode()
        return (out or err).decode()

    return command


async def test_tenants_are_made_planned_and_suspended(run: Run, tmp_path: Path) -> None:
    tenant = json.loads(await run("tenants", "add", "Acme", "-o", "json"))
    overrides = tmp_path / "overrides.json"
    overrides.write_text('{"quotas": {"max_monitors": 7}}')
    await run("plans", "add", "gold", "Gold")
    planned = await run("tenants", "set", tenant["id"], "--plan", "gold", "--overrides", str(overrides), "-o", "json")
    assert json.loads(planned)["plan"] == "gold"
    used = json.loads(await run("tenants", "usage", tenant["id"], "-o", "json"))
    assert used["usage"]["max_monitors"] == {"used": 0, "limit": 7}
    await run("tenants", "suspend", tenant["id"])
    assert tenant["id"] in await run("tenants", "ls", "--suspended", "-o", "name")
    await run("tenants", "release", tenant["id"])
    assert "TENANT_NOT_FOUND" in await run("tenants", "show", "0197a2f0-0000-7000-8000-000000000000", ends=3)


async def test_the_fleet_is_kept_and_checks_are_stopped(run: Run) -> None:
    await run("regions", "add", "eu-west", "--city", "Dublin")
    agent = json.loads(await run("agents", "add", "eu-west", "dub-1", "-o", "json"))
    assert agent["key"].startswith("fw_probe_")
    assert "never_seen" in await run("fleet")
    await run("agents", "disable", agent["id"])
    assert json.loads(await run("agents", "ls", "--region", "eu-west", "-o", "json"))[0]["enabled"] is False
    await run("agents", "rm", agent["id"])
    await run("regions", "rm", "eu-west")
    assert json.loads(await run("kill-switch", "on", "A target called", "-o", "json"))["on"] is True
    assert json.loads(await run("kill-switch", "off", "-o", "json"))["on"] is False


async def test_rules_settings_and_records_are_kept(run: Run) -> None:
    rule = json.loads(await run("deny-lists", "add", "domain", "bad.example.com", "--reason", "Report 1", "-o", "json"))
    assert rule["id"] in await run("deny-lists", "ls", "-o", "name")
    await run("deny-lists", "rm", rule["id"])
    await run("opt-outs", "add", "quiet.example.org")
    assert "quiet.example.org" in await run("opt-outs", "ls")
    changed = json.loads(await run("settings", "set", "scan_ports_per_host", "40", "-o", "json"))
    assert changed["scan_ports_per_host"] == 40
    assert "INVALID" in await run("settings", "set", "scan_ports_per_host", "many", ends=1)
    assert "change settings" in await run("audit", "--kind", "setting")
    assert json.loads(await run("jobs", "ls", "-o", "json")) == []
    assert json.loads(await run("background-jobs", "-o", "json"))["jobs"] == []
    assert "left: 0" in await run("deliveries", "replay", "--all")
    await run("deliveries", "replay", ends=2)


async def test_a_wrong_secret_and_none_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    wrong = await run("tenants", "ls", ends=4, FARWATCH_OPERATOR__SECRET_FILE=str(tmp_path / "wrong"))
    assert "secret" in wrong
    assert "No operator's secret" in await run("fleet", ends=4, FARWATCH_OPERATOR__SECRET_FILE="")
