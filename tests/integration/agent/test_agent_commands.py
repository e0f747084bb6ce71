"""`farwatch-agent` as a user types it: data on stdout, talk on stderr, exit codes that say what happened."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
import time
from pathlib import Path
from uuid import uuid4

from shared.checks.http import HttpCheck
from shared.protocol import Assignment
from tests.support import targets
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.targets import serving
from tests.support.waiting import until


async def command(*args: str, **environment: str) -> tuple[int, str, str]:
    process = await started(*args, **environment)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def started(*args: str, **environment: str) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FARWATCH_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agent",
        *args,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**clean, "FARWATCH_AGENT__RESOLVERS": "127.0.0.1:9", **environment},
    )


async def test_join_remembers_what_works_and_run_uses_it_until_told_to_stop(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        code, out, err = await command("join", url, "--key", KEY, "--state-dir", str(tmp_path))
        assert (code, out) == (0, ""), err
        assert "joined region lo" in err
        assert stat.S_IMODE((tmp_path / "agent.toml").stat().st_mode) == 0o600
        known = Assignment(
            uuid4(), uuid4(), 1, 1, HttpCheck(url=f"http://127.0.0.1:{port}/"), 1000, 0, int(time.time() * 1000)
        )
        plane.assign(known)
        process = await started("run", "--state-dir", str(tmp_path))
        await until(lambda: plane.stored, "a result is stored")
        process.send_signal(signal.SIGTERM)
        _, err_bytes = await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 0, err_bytes.decode()
        assert KEY.encode() not in err_bytes


async def test_join_with_a_wrong_key_says_who_refused_why_and_what_to_do(tmp_path: Path) -> None:
    async with FakeControlPlane().serving() as url:
        code, _, err = await command("join", url, "--key", "wrong", "--state-dir", str(tmp_path))
    assert code == 4
    assert url in err
    assert "401: unknown key" in err
    assert "join again" in err
    assert not (tmp_path / "agent.toml").exists()


async def test_join_with_nobody_there_is_unreachable(tmp_path: Path) -> None:
    code, _, err = await command("join", "http://127.0.0.1:9", "--key", KEY, "--state-dir", str(tmp_path))
    assert code == 5
    assert "http://127.0.0.1:9" in err


async def test_run_without_a_control_plane_or_with_an_unknown_setting_is_a_usage_error(tmp_path: Path) -> None:
    code, _, err = await command("run", "--state-dir", str(tmp_path))
    assert code == 2
    assert "join" in err
    code, _, err = await command("run", "--state-dir", str(tmp_path), FARWATCH_AGENT__SPEED="1")
    assert code == 2
    assert "FARWATCH_AGENT__SPEED" in err


async def test_run_with_a_refused_key_ends_with_the_code_for_it(tmp_path: Path) -> None:
    async with FakeControlPlane().serving() as url:
        environment = {"FARWATCH_AGENT__URL": url, "FARWATCH_AGENT__KEY": "wrong"}
        code, _, err = await command("run", "--state-dir", str(tmp_path), **environment)
    assert code == 4
    assert "401" in err


async def test_check_runs_once_behind_the_guard_unless_a_range_is_allowed() -> None:
    async with serving(targets.ok()) as port:
        url = f"http://127.0.0.1:{port}/"
        code, out, _ = await command("check", url)
        assert code == 1
        assert "error (blocked)" in out
        code, out, _ = await command("check", url, "--allow-cidr", "127.0.0.0/8", "-o", "json")
        seen = json.loads(out)
        assert (code, seen["outcome"], seen["http_status"]) == (0, "up", 200)
        spec = json.dumps({"type": "http", "url": url, "expected_body_contains": "absent"})
        code, out, _ = await command("check", spec, "--allow-cidr", "127.0.0.0/8")
        assert code == 1
        assert "down (assertion)" in out


async def test_check_with_a_spec_that_is_none_is_a_usage_error() -> None:
    for spec in ("nonsense", "ftp://a.example", '{"type": "http"}', '{"type": "http", "url": "x", "more": 1}'):
        code, _, err = await command("check", spec)
        assert code == 2, spec
        assert err.startswith("Error: ")


async def test_doctor_says_what_works_and_what_does_not(tmp_path: Path) -> None:
    async with FakeControlPlane().serving() as url:
        environment = {"FARWATCH_AGENT__URL": url, "FARWATCH_AGENT__KEY": KEY}
        code, out, _ = await command("doctor", "--state-dir", str(tmp_path), **environment)
        assert code == 0, out
        assert "accepted: agent a1 of region lo" in out
        environment["FARWATCH_AGENT__KEY"] = "wrong"
        code, out, _ = await command("doctor", "--state-dir", str(tmp_path), **environment)
    assert code == 4
    assert "FAIL" in out


async def test_a_killed_agent_sends_what_it_had_written_at_its_next_start(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = Assignment(uuid4(), uuid4(), 1, 1, HttpCheck(url=f"http://127.0.0.1:{port}/"), 1000, 0, 1000)
        plane.assign(known)
        environment = {"FARWATCH_AGENT__URL": url, "FARWATCH_AGENT__KEY": KEY}
        process = await started("run", "--state-dir", str(tmp_path), **environment)
        await until(lambda: plane.stored, "a first result is stored")
        plane.fail_with = 503
        spool = tmp_path / "spool"
        before = _bytes_in(spool)
        await until(lambda: _bytes_in(spool) > before + 400, "results wait on disk")
        process.kill()
        await process.communicate()
        plane.fail_with = None
        plane.unassign(known.monitor_id)
        stored = len(plane.stored)
        process = await started("run", "--state-dir", str(tmp_path), **environment)
        await until(lambda: len(plane.stored) >= stored + 2, "they are stored after all")
        process.terminate()
        await process.communicate()
    assert plane.acknowledged == plane.stored.keys()


def _bytes_in(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())
