"""`farwatch-agent doctor`: each part is examined, and whatever is not right comes with its remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import trustme

from tests.integration.agent.test_agent_commands import command
from tests.support import targets
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.http_checks import server_tls
from tests.support.targets import serving

Findings = dict[str, list[dict[str, Any]]]


async def examined(directory: Path, url: str, key: str = KEY, **more: str) -> tuple[int, Findings]:
    """The exit code, and the findings by their subject."""
    environment = {"FARWATCH_AGENT__URL": url, "FARWATCH_AGENT__KEY": key, **more}
    code, out, err = await command("doctor", "-o", "json", "--state-dir", str(directory), **environment)
    assert out, err
    found: Findings = {}
    for finding in json.loads(out)["findings"]:
        found.setdefault(finding["subject"], []).append(finding)
        assert finding["status"] == "ok" or finding["remedy"], finding
    return code, found


def texts(found: Findings, subject: str) -> str:
    return " ".join(each["text"] for each in found[subject])


async def test_a_healthy_agent_has_each_part_examined(tmp_path: Path) -> None:
    async with serving(targets.ok()) as canary, FakeControlPlane().serving() as url:
        code, found = await examined(tmp_path, url, FARWATCH_AGENT__CANARIES=f"127.0.0.1:{canary}")
    assert code == 0
    assert {"version", "disk", "egress", "icmp", "dns", "canary", "control plane", "tls", "key", "clock"} <= set(found)
    assert "Python 3." in texts(found, "version")
    assert "MB free" in texts(found, "disk")
    assert "at best" in texts(found, "control plane")
    assert "accepted: agent a1 of region lo" in texts(found, "key")
    assert found["canary"][0]["status"] == "ok"
    assert found["clock"][0]["status"] == "ok"


async def test_each_resolver_is_examined_and_a_silent_one_is_a_warning(tmp_path: Path) -> None:
    async with FakeControlPlane().serving() as url:
        code, found = await examined(tmp_path, url, FARWATCH_AGENT__RESOLVERS="127.0.0.1:9,127.0.0.2:9")
    assert code == 0
    assert [each["status"] for each in found["dns"]] == ["warning", "warning"]
    assert "127.0.0.2:9" in found["dns"][1]["text"]


async def test_a_clock_that_is_off_is_told_from_one_that_is_far_off(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with plane.serving() as url:
        plane.clock_shift_ms = 6_000
        code, found = await examined(tmp_path, url)
        assert (code, found["clock"][0]["status"]) == (0, "warning")
        assert "behind" in texts(found, "clock")
        plane.clock_shift_ms = -90_000
        code, found = await examined(tmp_path, url)
        assert (code, found["clock"][0]["status"]) == (1, "failed")
        assert "ahead of" in texts(found, "clock")


async def test_an_unreachable_control_plane_and_a_refused_key_have_their_exit_codes(tmp_path: Path) -> None:
    code, found = await examined(tmp_path, "http://127.0.0.1:9")
    assert (code, found["control plane"][0]["status"]) == (5, "failed")
    async with FakeControlPlane().serving() as url:
        code, found = await examined(tmp_path, url, key="wrong")
    assert (code, found["key"][0]["status"]) == (4, "failed")


async def test_the_control_planes_certificate_is_examined(tmp_path: Path) -> None:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    page = targets.ok(status="401 Unauthorized", body=b'{"error":{"code":"UNAUTHENTICATED","message":"who"}}')
    async with serving(page, tls=server_tls(authority.issue_cert("127.0.0.1"))) as port:
        url = f"https://127.0.0.1:{port}"
        code, found = await examined(tmp_path, url, FARWATCH_AGENT__CA_FILE=str(file))
        assert code == 4
        assert "days (TLSv1.3)" in texts(found, "tls")
        code, found = await examined(tmp_path, url)
    assert code == 5
    assert "certificate is not trusted" in texts(found, "control plane")


async def test_settings_that_others_can_read_are_a_warning(tmp_path: Path) -> None:
    settings = tmp_path / "agent.toml"
    settings.write_text("[agent]\n")
    settings.chmod(0o644)
    async with FakeControlPlane().serving() as url:
        _, found = await examined(tmp_path, url)
        assert found["permissions"][0]["remedy"] == f"chmod 600 {settings}"
        settings.chmod(0o600)
        _, found = await examined(tmp_path, url)
    assert found["permissions"][0]["status"] == "ok"


async def test_the_doctor_leaves_no_lease_behind_unless_the_agent_runs_here(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with plane.serving() as url:
        await examined(tmp_path, url)
    assert plane.goodbyes == 1
